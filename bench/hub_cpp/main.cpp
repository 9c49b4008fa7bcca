// The benchmark's hub in C++, on the public headers alone: what a program of one's own would be.
//
//   hears        does
//   on_message   text that begins with `b` goes to every client, any other to its sender
#include <natterjack/hub.hpp>
#include <natterjack/run.hpp>

namespace {

class bench_hub : public natterjack::hub_actor {
 public:
  void on_start() override { register_name("bench_hub"); }

  void on_message(const natterjack::client& who, const natterjack::incoming& what) override {
    if (what.text().starts_with('b'))
      broadcast("b", what.value());
    else
      send(who, "e", what.value());
  }
};

NATTERJACK_HUB(bench_hub, "bench");

} // namespace

int main(int argc, char** argv) {
  return natterjack::run(argc, argv);
}
