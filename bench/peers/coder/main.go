// The benchmark's hub on Go and coder/websocket.  usage: coder_peer PORT
//
// Text that starts with `b` goes to every client, any other to its sender, both in the wrapper
// every measured server uses: {"topic":"b","data":"<text>"}. Encoded once for each message.
// One goroutine owns the set of clients; each client has a reading and a writing goroutine and a
// bounded queue between the hub and its writer. Who lets the queue overflow is closed.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"

	"github.com/coder/websocket"
)

const queueLength = 256

type client struct {
	socket *websocket.Conn
	queue  chan []byte
	gone   chan struct{} // closed by the hub when it has forgotten the client
}

type hub struct {
	join      chan *client
	leave     chan *client
	broadcast chan []byte
	clients   map[*client]bool
}

type envelope struct {
	Topic string `json:"topic"`
	Data  string `json:"data"`
}

func wrap(topic string, text []byte) []byte {
	encoded, err := json.Marshal(envelope{topic, string(text)})
	if err != nil {
		log.Fatal(err)
	}
	return encoded
}

func (h *hub) remove(c *client) {
	if h.clients[c] {
		delete(h.clients, c)
		close(c.gone)
		go c.socket.CloseNow() // may wait for a writer
	}
}

func (h *hub) run() {
	for {
		select {
		case c := <-h.join:
			h.clients[c] = true
		case c := <-h.leave:
			h.remove(c)
		case text := <-h.broadcast:
			message := wrap("b", text)
			for c := range h.clients {
				select {
				case c.queue <- message:
				default:
					h.remove(c)
				}
			}
		}
	}
}

func (c *client) read(h *hub) {
	defer func() { h.leave <- c }()
	for {
		_, text, err := c.socket.Read(context.Background())
		if err != nil {
			return
		}
		if len(text) > 0 && text[0] == 'b' {
			h.broadcast <- text
			continue
		}
		select {
		case c.queue <- wrap("e", text):
		case <-c.gone:
			return
		}
	}
}

func (c *client) write() {
	for {
		select {
		case message := <-c.queue:
			if c.socket.Write(context.Background(), websocket.MessageText, message) != nil {
				return
			}
		case <-c.gone:
			return
		}
	}
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: coder_peer PORT")
	}
	port, err := strconv.Atoi(os.Args[1])
	if err != nil || port < 1 || port > 65535 {
		log.Fatalf("expected a port from 1 to 65535, got '%s'", os.Args[1])
	}
	h := &hub{
		join:      make(chan *client),
		leave:     make(chan *client),
		broadcast: make(chan []byte, 64),
		clients:   map[*client]bool{},
	}
	go h.run()
	options := &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		socket, err := websocket.Accept(w, r, options)
		if err != nil {
			return
		}
		c := &client{
			socket: socket,
			queue:  make(chan []byte, queueLength),
			gone:   make(chan struct{}),
		}
		h.join <- c
		go c.write()
		go c.read(h)
	})
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening")
	log.Fatal(http.Serve(listener, nil))
}
