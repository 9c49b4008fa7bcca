#include "actors/pow/documents.hpp"
#include "actors/pow/json_text.hpp"
#include "actors/pow/paths.hpp"

namespace natterjack::pow {

namespace {

// Written out by hand, so that keys stand in reading order; white space between tokens is for us only.
constexpr std::string_view head = R"({
"openapi":"3.0.0",
"info":{
  "title":"Process Over Websocket API",
  "description":"Starts named processes on the server, feeds them input and collects output and result. This API keeps a process alive between requests; a websocket with the subprotocol pow-1 on any path below the server URL follows one process live. A process nobody asks about for a while is cancelled and forgotten.",
  "version":"1.0.0"
},
"servers":[{"url":)";

constexpr std::string_view body = R"(}],
"paths":{
  "/new":{"post":{
    "summary":"Start a process",
    "description":"Answers with the id of the new process at once; whether it could be started is told by its status. A body beyond the size limit is refused with 413, a process beyond the limits on their number with 503.",
    "operationId":"newProcess",
    "requestBody":{"required":true,"content":{"application/json":{"schema":{
      "type":"object",
      "required":["call"],
      "properties":{
        "call":{"type":"string","description":"Name of the process"},
        "params":{"type":"array","items":{"type":"string"},"description":"Its arguments"}
      }
    }}}},
    "responses":{
      "200":{"description":"Id of the process","content":{"application/json":{"schema":{"type":"string"}}}},
      "400":{"description":"The body is not a call","content":{"text/plain":{"schema":{"type":"string"}}}},
      "500":{"description":"The server takes no new processes","content":{"text/plain":{"schema":{"type":"string"}}}}
    }
  }},
  "/status/{id}":{"get":{
    "summary":"Output and result so far",
    "operationId":"processStatus",
    "parameters":[{"name":"id","in":"path","required":true,"description":"Id of the process","schema":{"type":"string"}}],
    "responses":{
      "200":{"description":"Status of the process","content":{"application/json":{"schema":{
        "type":"object",
        "required":["result"],
        "properties":{
          "buffer":{"type":"string","description":"The last complete lines of output; absent when there are none"},
          "result":{"oneOf":[
            {"type":"object","required":["status"],"properties":{
              "status":{"type":"string","enum":["fulfilled"]},
              "value":{"nullable":true,"anyOf":[{"type":"string"},{"type":"number"},{"type":"boolean"},{"type":"object"},{"type":"array","items":{}}]}
            }},
            {"type":"object","required":["status","reason"],"properties":{
              "status":{"type":"string","enum":["rejected"]},
              "reason":{"type":"string"}
            }},
            {"type":"object","required":["status"],"properties":{
              "status":{"type":"string","enum":["pending"]}
            }}
          ]}
        }
      }}}},
      "400":{"description":"No id was given","content":{"text/plain":{"schema":{"type":"string"}}}},
      "404":{"description":"There is no such process","content":{"text/plain":{"schema":{"type":"string"}}}}
    }
  }},
  "/input/{id}":{"post":{
    "summary":"Send input",
    "description":"Answers when the process has read all of the body. A process that does not read in time gives 504.",
    "operationId":"sendInput",
    "parameters":[{"name":"id","in":"path","required":true,"description":"Id of the process","schema":{"type":"string"}}],
    "requestBody":{"content":{"text/plain":{"schema":{"type":"string"}}}},
    "responses":{
      "200":{"description":"The process has read the input","content":{"text/plain":{"schema":{"type":"string"}}}},
      "400":{"description":"No id was given","content":{"text/plain":{"schema":{"type":"string"}}}},
      "404":{"description":"There is no such process","content":{"text/plain":{"schema":{"type":"string"}}}},
      "500":{"description":"The input was closed or the process has ended","content":{"text/plain":{"schema":{"type":"string"}}}}
    }
  }},
  "/closeInput/{id}":{"post":{
    "summary":"End the input",
    "operationId":"closeInput",
    "parameters":[{"name":"id","in":"path","required":true,"description":"Id of the process","schema":{"type":"string"}}],
    "responses":{
      "200":{"description":"The input is closed","content":{"text/plain":{"schema":{"type":"string"}}}},
      "400":{"description":"No id was given","content":{"text/plain":{"schema":{"type":"string"}}}},
      "404":{"description":"There is no such process","content":{"text/plain":{"schema":{"type":"string"}}}},
      "500":{"description":"The input could not be closed","content":{"text/plain":{"schema":{"type":"string"}}}}
    }
  }},
  "/cancel/{id}":{"post":{
    "summary":"Cancel a process",
    "description":"Answers when the process has ended, or after a bounded time.",
    "operationId":"cancelProcess",
    "parameters":[{"name":"id","in":"path","required":true,"description":"Id of the process","schema":{"type":"string"}}],
    "responses":{
      "200":{"description":"The process is cancelled","content":{"text/plain":{"schema":{"type":"string"}}}},
      "400":{"description":"No id was given","content":{"text/plain":{"schema":{"type":"string"}}}},
      "404":{"description":"There is no such process","content":{"text/plain":{"schema":{"type":"string"}}}}
    }
  }}
}
})";

// Drops line breaks and the indentation behind them; texts have neither.
void append_minified(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    out += text.substr(0, end);
    if (end == std::string_view::npos)
      return;
    text.remove_prefix(end + 1);
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  }
}

} // namespace

std::string make_openapi(const service_options& options) {
  std::string document;
  append_minified(document, head);
  append_json_text(document, escape_path(options.base_path));
  if (!options.description.empty()) {
    document += R"(,"description":)";
    append_json_text(document, options.description);
  }
  append_minified(document, body);
  return document;
}

} // namespace natterjack::pow
