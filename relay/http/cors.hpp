// Middleware `cors`: which pages may read the answers of a router (Fetch standard, 3.2).
#pragma once

#include "relay/http/middleware.hpp"
#include "relay/origin.hpp"

#include <string>

namespace natterjack::relay {

struct cors_options {
  origin_rule origins{"*"};
  bool any_origin = true;
  std::string methods = "GET,POST,PUT,DELETE,OPTIONS,PATCH";
  std::string headers = "Origin,Content-Type,Accept,Authorization,X-Requested-With";
  std::string expose_headers;
  bool credentials = false;
  bool private_network = false; ///< pages of public sites may ask for this server in a private network
  std::string max_age = "86400";
};

/// Answers what browsers ask before some requests, and says on answers who may read them.
std::shared_ptr<middleware> make_cors(cors_options options);

} // namespace natterjack::relay
