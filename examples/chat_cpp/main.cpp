#include <natterjack/run.hpp>

int main(int argc, char** argv) {
  return natterjack::run(argc, argv);
}
