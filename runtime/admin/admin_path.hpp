// Where nodes can be reached by their administrator, and which ones run.
//
//   default   $XDG_RUNTIME_DIR/natterjack/PID.sock, else /tmp/natterjack-UID/PID.sock
//   folder    made with mode 0700; one that belongs to another user, or that others may enter, is
//             refused
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace natterjack::runtime {

/// The folder of this user's sockets; it need not be there.
std::filesystem::path admin_folder();

/// The socket of a node with this process id.
std::filesystem::path admin_path(int process_id);

/// Makes the folder of a socket if it is the default one.
/// @returns what is wrong with it, or nothing
std::optional<std::string> prepare_admin_folder(const std::filesystem::path& socket);

/// Sockets in the default folder that somebody listens on; those of dead processes are removed.
std::vector<std::filesystem::path> find_admin_sockets();

} // namespace natterjack::runtime
