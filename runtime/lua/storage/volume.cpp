#include "runtime/lua/storage/volume.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace natterjack::runtime::lua {

namespace fs = std::filesystem;

namespace {

class descriptor {
 public:
  explicit descriptor(int number) noexcept : number_(number) {}
  ~descriptor() {
    if (number_ >= 0)
      ::close(number_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  int number() const noexcept { return number_; }

 private:
  int number_;
};

error_kind kind_of(int error) {
  switch (error) {
  case ENOENT:
  case ENOTDIR:
    return error_kind::not_found;
  case EEXIST:
    return error_kind::already_exists;
  case EACCES:
  case EPERM:
  case EROFS:
    return error_kind::permission_denied;
  case EISDIR:
  case ENOTEMPTY:
  case EINVAL:
  case ENAMETOOLONG:
    return error_kind::invalid;
  default:
    return error_kind::internal;
  }
}

file_result failed(const std::string& shown, int error) {
  return {{}, {kind_of(error), shown + ": " + std::strerror(error), {}}};
}

nlohmann::json facts_of(const std::string& name, const struct stat& what) {
  const bool is_folder = S_ISDIR(what.st_mode);
  return {{"name", name},
          {"size", static_cast<int64_t>(what.st_size)},
          {"mode", static_cast<int64_t>(what.st_mode & 07777)},
          {"modified", static_cast<int64_t>(what.st_mtime)},
          {"is_dir", is_folder},
          {"type", is_folder ? "directory" : "file"}};
}

// Opening a pipe waits for its other end otherwise, and with it a thread that all files need.
constexpr int never_waits = O_NONBLOCK;

bool is_file(const struct stat& what) noexcept {
  return S_ISREG(what.st_mode) || S_ISCHR(what.st_mode);
}

file_result no_file(const std::string& shown) {
  return {{}, {error_kind::invalid, shown + ": is a pipe or a socket, and no file", {}}};
}

file_result list(const fs::path& folder, const std::string& shown) {
  constexpr size_t entries_max = 100'000;
  std::error_code error;
  std::vector<std::pair<std::string, bool>> found;
  for (fs::directory_iterator i(folder, error), end; !error && i != end; i.increment(error)) {
    std::error_code ignored;
    found.emplace_back(i->path().filename().string(), i->is_directory(ignored));
    if (found.size() > entries_max)
      return {{}, {error_kind::invalid, shown + ": more than 100000 entries", {}}};
  }
  if (error == std::errc::not_a_directory)
    return {{}, {error_kind::invalid, shown + ": is no folder", {}}};
  if (error)
    return failed(shown, error.value());
  std::sort(found.begin(), found.end());
  auto all = nlohmann::json::array();
  for (const auto& [name, is_folder] : found)
    all.push_back({{"name", name}, {"type", is_folder ? "directory" : "file"}});
  return {{hub::payload::json(all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))}, {}};
}

file_result read(const fs::path& file, const std::string& shown, uint64_t offset, uint64_t size) {
  const descriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | never_waits));
  struct stat what {};
  if (in.number() < 0 || ::fstat(in.number(), &what) != 0)
    return failed(shown, errno);
  if (S_ISDIR(what.st_mode))
    return failed(shown, EISDIR);
  if (!is_file(what))
    return no_file(shown);
  const auto there = static_cast<uint64_t>(what.st_size);
  const auto wanted = S_ISREG(what.st_mode) ? std::min(size, there > offset ? there - offset : 0) : size;
  if (wanted > volume::read_max)
    return {{}, {error_kind::invalid, shown + ": longer than 64 MiB; read it in parts", {}}};
  std::string bytes(wanted, '\0');
  size_t have = 0;
  while (have < bytes.size()) {
    const auto got = ::pread(in.number(), bytes.data() + have, bytes.size() - have,
                             static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return failed(shown, errno);
    if (got == 0)
      break;
    have += static_cast<size_t>(got);
  }
  bytes.resize(have);
  if (bytes.empty() && offset > 0)
    return {{hub::payload()}, {}};
  return {{hub::is_utf8(bytes) ? hub::payload::text(bytes) : hub::payload::binary(bytes)}, {}};
}

file_result write(const fs::path& file, const std::string& shown, const file_request& request,
                  uint32_t mode) {
  int flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW; // links were followed and checked before
  if (request.how != write_mode::at_offset)
    flags |= O_CREAT;
  if (request.how == write_mode::truncate)
    flags |= O_TRUNC;
  if (request.how == write_mode::append)
    flags |= O_APPEND;
  if (request.how == write_mode::create)
    flags |= O_EXCL;
  const descriptor out(::open(file.c_str(), flags | never_waits, mode & 0666));
  struct stat what {};
  if (out.number() < 0 && errno == ENXIO)
    return no_file(shown); // a pipe without a reader, a socket
  if (out.number() < 0 || ::fstat(out.number(), &what) != 0)
    return failed(shown, errno);
  if (!is_file(what))
    return no_file(shown);
  size_t done = 0;
  while (done < request.data.size()) {
    const auto* from = request.data.data() + done;
    const auto left = request.data.size() - done;
    const auto put = request.how == write_mode::append
                         ? ::write(out.number(), from, left)
                         : ::pwrite(out.number(), from, left,
                                    static_cast<off_t>(request.offset + done));
    if (put < 0 && errno == EINTR)
      continue;
    if (put < 0)
      return failed(shown, errno);
    done += static_cast<size_t>(put);
  }
  return {{hub::payload::json("true")}, {}};
}

file_result sync(const fs::path& file, const std::string& shown) {
  const descriptor of(::open(file.c_str(), O_RDONLY | O_CLOEXEC | never_waits));
  if (of.number() < 0 || ::fsync(of.number()) != 0)
    return failed(shown, errno);
  return {{hub::payload::json("true")}, {}};
}

file_result remove(const fs::path& what, const std::string& shown) {
  struct stat found {};
  if (::lstat(what.c_str(), &found) != 0)
    return failed(shown, errno);
  if ((S_ISDIR(found.st_mode) ? ::rmdir(what.c_str()) : ::unlink(what.c_str())) != 0)
    return failed(shown, errno);
  return {{hub::payload::json("true")}, {}};
}

bool is_below(const fs::path& what, const fs::path& root) {
  return std::mismatch(root.begin(), root.end(), what.begin(), what.end()).first == root.end();
}

} // namespace

volume::volume(std::string id, fs::path root, uint32_t mode)
    : id_(std::move(id)), root_(std::move(root)), mode_(mode) {}

std::string volume::make() {
  std::error_code error;
  if (fs::is_directory(root_, error))
    return {};
  fs::create_directories(root_, error);
  if (!error)
    fs::permissions(root_, static_cast<fs::perms>(mode_), error);
  return error ? id_ + ": cannot make " + root_.string() + ": " + error.message() : std::string();
}

file_result volume::run(const file_request& request) const {
  if (request.path.find('\0') != std::string::npos)
    return {{}, {error_kind::invalid, "a path must not hold a NUL", {}}};
  // Above the root there is the root again, as above `/` of a machine.
  const auto inside = (fs::path("/") / request.path).lexically_normal();
  const auto shown = inside.string();
  std::error_code error;
  const auto root = fs::canonical(root_, error);
  if (error)
    return failed(id_, error.value());
  auto real = fs::weakly_canonical(root / inside.relative_path(), error);
  if (error)
    return failed(shown, error.value());
  if (!is_below(real, root))
    return {{}, {error_kind::permission_denied, shown + ": leads out of " + id_, {}}};
  if (!real.has_filename() && real != root)
    real = real.parent_path();
  switch (request.what) {
  case file_operation::stat: {
    struct stat what {};
    if (::stat(real.c_str(), &what) != 0)
      return failed(shown, errno);
    const auto facts = facts_of(inside.filename().string(), what);
    return {{hub::payload::json(facts.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))},
            {}}; // replace: names of files may be any bytes
  }
  case file_operation::list:
    return list(real, shown);
  case file_operation::read:
    return read(real, shown, request.offset, request.size);
  case file_operation::write:
    return real == root ? failed(shown, EISDIR) : write(real, shown, request, mode_);
  case file_operation::make_folder:
    if (fs::exists(real, error))
      return failed(shown, EEXIST);
    fs::create_directories(real, error);
    return error ? failed(shown, error.value()) : file_result{{hub::payload::json("true")}, {}};
  case file_operation::remove:
    return real == root ? failed(shown, EPERM) : remove(real, shown);
  case file_operation::sync:
    return sync(real, shown);
  }
  return failed(shown, EINVAL);
}

} // namespace natterjack::runtime::lua
