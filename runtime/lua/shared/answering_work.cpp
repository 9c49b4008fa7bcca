#include "runtime/lua/shared/answering_work.hpp"

#include <exception>

namespace natterjack::runtime::lua {

void run_answering(work_pool& pool, const reply_address& to, std::function<void()> work) {
  pool.run([to, work = std::move(work)] {
    try {
      work();
    } catch (const std::exception& e) {
      answer_error(to, error_kind::internal, e.what());
    }
  });
}

} // namespace natterjack::runtime::lua
