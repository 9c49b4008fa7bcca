#include "runtime/metrics/program_metrics.hpp"

#include "runtime/metrics/exposition.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <sys/resource.h>
#include <unistd.h>

namespace natterjack::runtime {

namespace {

// Fields of /proc/self/stat behind the name, which may hold anything: proc(5).
std::vector<std::string> read_stat() {
  std::ifstream file("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos)
    return {};
  std::istringstream rest(text.substr(name_end + 1));
  std::vector<std::string> fields;
  for (std::string word; rest >> word;)
    fields.push_back(word);
  return fields;
}

double boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string word; file >> word;)
    if (word == "btime") {
      double seconds = 0;
      file >> seconds;
      return seconds;
    }
  return 0;
}

uint64_t open_descriptors() {
  std::error_code error;
  uint64_t count = 0;
  for (auto i = std::filesystem::directory_iterator("/proc/self/fd", error);
       !error && i != std::filesystem::directory_iterator(); i.increment(error))
    ++count;
  return count == 0 ? 0 : count - 1; // the look itself takes one
}

} // namespace

void write_program(exposition& out) {
  // Numbers of proc(5), counted from the third field.
  constexpr size_t user_ticks = 11, system_ticks = 12, threads = 17, started = 19, virtual_bytes = 20,
                   resident_pages = 21;
  const auto fields = read_stat();
  auto field = [&fields](size_t i) {
    return i < fields.size() ? std::strtod(fields[i].c_str(), nullptr) : 0.0;
  };
  const auto tick = static_cast<double>(sysconf(_SC_CLK_TCK));
  out.single("process_cpu_seconds_total", "counter", "User and system time of this program",
             (field(user_ticks) + field(system_ticks)) / tick);
  out.single("process_resident_memory_bytes", "gauge", "Resident memory",
             field(resident_pages) * static_cast<double>(sysconf(_SC_PAGESIZE)));
  out.single("process_virtual_memory_bytes", "gauge", "Virtual memory", field(virtual_bytes));
  out.single("process_threads", "gauge", "Threads", field(threads));
  out.single("process_start_time_seconds", "gauge", "Start, in seconds since 1970",
             boot_time() + field(started) / tick);
  out.single("process_open_fds", "gauge", "Open descriptors", open_descriptors());
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  out.single("process_max_fds", "gauge", "Most descriptors", static_cast<uint64_t>(limit.rlim_cur));
}

} // namespace natterjack::runtime
