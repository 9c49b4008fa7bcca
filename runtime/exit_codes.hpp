// Exit codes of the binary, a contract with whoever starts it.
#pragma once

namespace natterjack::runtime {

inline constexpr int exit_done = 0;   ///< also after a drain on SIGTERM
inline constexpr int exit_failed = 1; ///< at run time: port taken, no descriptors, …
inline constexpr int exit_broken = 2; ///< wrong arguments or a broken application; nothing was started

} // namespace natterjack::runtime
