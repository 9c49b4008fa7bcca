#include "runtime/admin/admin_server.hpp"

#include "hub/thread_name.hpp"
#include "runtime/admin/admin_path.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>

#include <spdlog/spdlog.h>

#include <chrono>
#include <stdexcept>
#include <thread>

#include <sys/stat.h>

namespace natterjack::runtime {

namespace asio = boost::asio;
using local = asio::local::stream_protocol;
using boost::system::error_code;

namespace {

constexpr size_t request_bytes_max = 1 << 20;
constexpr size_t clients_max = 64;
constexpr auto accept_pause = std::chrono::milliseconds(100);

class client : public std::enable_shared_from_this<client> {
 public:
  client(local::socket socket, const admin_handler& handle, size_t& count)
      : socket_(std::move(socket)), handle_(handle), count_(count) {
    ++count_;
  }
  ~client() { --count_; }

  void read() {
    asio::async_read_until(socket_, input_, '\n',
                           [self = shared_from_this()](error_code ec, size_t size) {
                             if (ec == asio::error::not_found)
                               self->answer(failure("a request is at most 1 MiB"));
                             else if (!ec)
                               self->take(size);
                           });
  }

  static nlohmann::json failure(std::string text) {
    return {{"ok", false}, {"error", std::move(text)}};
  }

 private:
  void take(size_t size) {
    const auto* first = static_cast<const char*>(input_.data().data());
    const auto request = nlohmann::json::parse(first, first + size, nullptr, false);
    input_.consume(size);
    if (!request.is_object()) {
      answer(failure("a request is one JSON object in one line"));
      return;
    }
    auto executor = socket_.get_executor();
    auto reply = [self = shared_from_this(), executor](nlohmann::json what) {
      asio::post(executor, [self, what = std::move(what)] { self->answer(what); });
    };
    try {
      handle_(request, reply);
    } catch (const std::exception& e) {
      reply(failure(e.what()));
    }
  }

  void answer(const nlohmann::json& what) {
    output_ = what.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
    asio::async_write(socket_, asio::buffer(output_),
                      [self = shared_from_this()](error_code ec, size_t) {
                        if (!ec)
                          self->read();
                      });
  }

  local::socket socket_;
  const admin_handler& handle_;
  size_t& count_;
  asio::streambuf input_{request_bytes_max};
  std::string output_;
};

} // namespace

struct admin_server::state {
  explicit state(admin_handler given) : handle(std::move(given)) {}

  void accept() {
    acceptor.async_accept([self = this](error_code ec, local::socket socket) {
      if (!self->acceptor.is_open())
        return;
      if (ec)
        return self->accept_later();
      if (self->clients < clients_max)
        std::make_shared<client>(std::move(socket), self->handle, self->clients)->read();
      self->accept();
    });
  }

  // Out of descriptors, say: the client that waits would only fail again at once.
  void accept_later() {
    pause.expires_after(accept_pause);
    pause.async_wait([self = this](error_code ec) {
      if (!ec)
        self->accept();
    });
  }

  admin_handler handle;
  size_t clients = 0; // before the context: its handlers hold clients to the last
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard{context.get_executor()};
  local::acceptor acceptor{context};
  asio::steady_timer pause{context};
  std::filesystem::path path;
  std::thread thread;
};

admin_server::admin_server(admin_handler handle)
    : state_(std::make_unique<state>(std::move(handle))) {
  state_->thread = std::thread([s = state_.get()] {
    hub::name_thread("admin");
    s->context.run();
  });
}

admin_server::~admin_server() { stop(); }

void admin_server::open(const std::filesystem::path& path) {
  auto& s = *state_;
  auto fail = [&path](const std::string& why) {
    throw std::runtime_error("admin socket " + path.string() + ": " + why);
  };
  if (auto wrong = prepare_admin_folder(path))
    fail(*wrong);
  if (path.native().size() > 100)
    fail("the path is too long for a socket: at most 100 bytes");
  error_code ec;
  {
    asio::io_context looking;
    local::socket other(looking);
    other.connect(local::endpoint(path.string()), ec);
    if (!ec)
      fail("another node listens there");
  }
  struct stat found {};
  if (lstat(path.c_str(), &found) == 0) {
    if (!S_ISSOCK(found.st_mode))
      fail("there is a file that is no socket");
    std::filesystem::remove(path);
  }
  s.acceptor.open(local(), ec);
  if (ec)
    fail(ec.message());
  const auto before = umask(0177); // the file never is anybody else's, not even for a moment
  s.acceptor.bind(local::endpoint(path.string()), ec);
  umask(before);
  if (ec)
    fail(ec.message());
  s.path = path;
  s.acceptor.listen(16, ec);
  if (ec)
    fail(ec.message());
  asio::post(s.context, [self = &s] { self->accept(); });
}

void admin_server::post(std::function<void()> call) {
  asio::post(state_->context, [call = std::move(call)] {
    try {
      call();
    } catch (const std::exception& e) {
      spdlog::error("admin: {}", e.what());
    }
  });
}

void admin_server::stop() {
  auto& s = *state_;
  if (!s.thread.joinable())
    return;
  s.guard.reset();
  s.context.stop();
  s.thread.join();
  error_code ignored;
  s.acceptor.close(ignored);
  if (!s.path.empty()) {
    std::error_code error;
    std::filesystem::remove(s.path, error);
  }
}

} // namespace natterjack::runtime
