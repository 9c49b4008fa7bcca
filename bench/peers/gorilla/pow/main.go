// The benchmark's process server on Go and gorilla/websocket.  usage: gorilla_pow PORT
//
// As little as pow-1 asks for: the first binary message calls `echo`, texts come back, the close
// signal ends the input, then the result, close 1000, and the client's close frame. One goroutine
// reads and writes for each client; nothing is bounded, cancelled, timed or kept apart.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/gorilla/websocket"
)

type call struct {
	Call   string   `json:"call"`
	Params []string `json:"params"`
}

type signal struct {
	Signal string `json:"signal"`
}

type result struct {
	Status string   `json:"status"`
	Value  []string `json:"value"`
}

func finish(socket *websocket.Conn, params []string) {
	encoded, err := json.Marshal(result{"fulfilled", params})
	if err != nil || socket.WriteMessage(websocket.BinaryMessage, encoded) != nil {
		return
	}
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	if socket.WriteControl(websocket.CloseMessage, bye, time.Now().Add(time.Second)) != nil {
		return
	}
	for { // until the client's close frame
		if _, _, err := socket.NextReader(); err != nil {
			return
		}
	}
}

func serve(socket *websocket.Conn) {
	defer socket.Close()
	socket.SetReadLimit(2048)
	var wanted call
	called := false
	for {
		kind, body, err := socket.ReadMessage()
		if err != nil {
			return
		}
		switch {
		case kind == websocket.TextMessage:
			if socket.WriteMessage(websocket.TextMessage, body) != nil {
				return
			}
		case !called:
			if json.Unmarshal(body, &wanted) != nil || wanted.Call != "echo" {
				return
			}
			called = true
		default:
			var said signal
			if json.Unmarshal(body, &said) == nil && said.Signal == "close" {
				finish(socket, wanted.Params)
				return
			}
		}
	}
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: gorilla_pow PORT")
	}
	port, err := strconv.Atoi(os.Args[1])
	if err != nil || port < 1 || port > 65535 {
		log.Fatalf("expected a port from 1 to 65535, got '%s'", os.Args[1])
	}
	upgrader := websocket.Upgrader{
		ReadBufferSize:  1024,
		WriteBufferSize: 1024,
		Subprotocols:    []string{"pow-1"},
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		socket, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		go serve(socket) // lets go of what net/http holds for the request
	})
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening")
	log.Fatal(http.Serve(listener, nil))
}
