// What the system lets this process have: descriptors, threads, its three standard streams. Looked at before
// anything starts, so that too little of it is one sentence and not a failure somewhere in the middle.
#pragma once

#include <cstddef>

namespace natterjack::runtime {

/// Opens /dev/null on each of 0, 1 and 2 that is closed, so that no file, socket or event of the program gets
/// their number and is written to as if it were the log.
void fill_standard_streams() noexcept;

/// Every client is a descriptor: takes as many as the system lets us have.
void raise_descriptor_limit() noexcept;

/// @param more  descriptors needed beside those that are open
/// @throws std::runtime_error  the limit is lower than that; says which one is needed
void check_descriptors(size_t more);

/// Starts `count` threads that do nothing, and ends them: a thread that the system refuses later, inside of the
/// scheduler, would end the program without a word.
/// @throws std::runtime_error  there are not as many to be had
void check_threads(size_t count);

} // namespace natterjack::runtime
