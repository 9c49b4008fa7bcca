// What a run of the load generator shall do, from its command line.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace natterjack::bench {

/// What server and clients say to each other around the measured texts.
enum class dialect : uint8_t {
  plain,      ///< texts as they are
  pow,        ///< Process Over Websocket: each connection calls the process `echo`
  centrifuge, ///< the JSON protocol of the library centrifuge
};

struct options {
  std::string mode;
  std::string host = "127.0.0.1";
  std::string path = "/api/v1/ws/connect";
  uint16_t port = 0;
  int server_pid = 0;       ///< 0: no CPU and memory figures
  uint32_t connections = 0; ///< N or C; 0: the mode's own default
  uint32_t slow = 10;       ///< receivers that never read (mode slow)
  uint32_t watched = 0;     ///< receivers read as messages come (fanout); 0: all
  uint32_t window = 1;      ///< messages in flight
  uint32_t payload = 0;     ///< bytes of a delivered text, wrapper included; 0: the mode's default
  uint32_t wrapper = 23;    ///< bytes the server adds: {"topic":"b","data":""}
  uint32_t cycles = 10'000; ///< churn: cycles in all
  uint32_t parallel = 0;    ///< connections being opened at the same time; 0: the mode's default
  uint64_t count = 0;       ///< stop after so many broadcasts or echoes; 0: by time
  double seconds = 3;       ///< measured time
  double warm_up = 0.5;     ///< seconds of load before measuring
  double time_limit = 120;  ///< seconds for the whole run
  double stall = 15;        ///< seconds without progress that end the run
  bool first_frame = false; ///< churn: wait for one message of the server before closing
  bool words = false;       ///< texts of words instead of one letter again and again
  bool deflate = false;     ///< offer permessage-deflate; compressed messages are inflated
  dialect speaks = dialect::plain;
};

/// An option that cannot be used; ends the program with code 2.
struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// @throws usage_error
options parse_options(int argc, char** argv);

} // namespace natterjack::bench
