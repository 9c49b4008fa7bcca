// What the operating system knows of this program, under the names Prometheus' client libraries use.
#pragma once

namespace natterjack::runtime {

class exposition;

void write_program(exposition& out);

} // namespace natterjack::runtime
