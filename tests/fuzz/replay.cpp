// Runs a fuzz target without a fuzzer: over a corpus, then over a bounded number of random changes of it.
//
//   usage   fuzz_x_replay FOLDER CHANGES [SEED]
//   says    the seed, so that a failure can be had again
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr size_t input_bytes_max = 4096;

std::vector<std::string> read_corpus(const char* folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& file : std::filesystem::directory_iterator(folder))
    files.push_back(file.path());
  std::sort(files.begin(), files.end()); // a seed means the same everywhere
  std::vector<std::string> corpus;
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return corpus;
}

void run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
}

std::string changed(const std::vector<std::string>& corpus, std::mt19937& random) {
  const auto below = [&random](size_t n) { return n == 0 ? size_t{0} : size_t{random()} % n; };
  auto input = corpus[below(corpus.size())];
  for (auto changes = 1 + below(4); changes > 0; --changes) {
    const auto at = below(input.size());
    const auto& other = corpus[below(corpus.size())];
    switch (below(6)) {
      case 0: // a bit
        if (!input.empty())
          input[at] = static_cast<char>(input[at] ^ (1 << below(8)));
        break;
      case 1: // a byte
        if (!input.empty())
          input[at] = static_cast<char>(random());
        break;
      case 2: // one more
        input.insert(at, 1, static_cast<char>(random()));
        break;
      case 3: // some fewer
        input.erase(at, 1 + below(8));
        break;
      case 4: // cut off
        input.resize(at);
        break;
      default: // go on as another one does
        input = input.substr(0, at) + other.substr(below(other.size()));
    }
  }
  input.resize(std::min(input.size(), input_bytes_max));
  return input;
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s FOLDER CHANGES [SEED]\n", argv[0]);
    return 2;
  }
  const auto corpus = read_corpus(argv[1]);
  const auto changes = std::atol(argv[2]);
  const auto seed = argc > 3 ? static_cast<unsigned>(std::atol(argv[3])) : std::random_device{}();
  if (corpus.empty()) {
    std::fprintf(stderr, "%s: there is nothing in it\n", argv[1]);
    return 1;
  }
  std::fprintf(stderr, "%zu inputs, %ld changed ones, seed %u\n", corpus.size(), changes, seed);
  for (const auto& input : corpus)
    run(input);
  std::mt19937 random(seed);
  for (long i = 0; i < changes; ++i)
    run(changed(corpus, random));
}
