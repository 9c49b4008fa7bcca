#include "relay/http/exchange.hpp"

#include <algorithm>
#include <strings.h>
#include <unistd.h>

namespace natterjack::relay {

namespace {

bool same_name(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

const std::string* find(const header_list& headers, std::string_view name) noexcept {
  auto i = std::find_if(headers.begin(), headers.end(),
                        [name](const auto& header) { return same_name(header.first, name); });
  return i == headers.end() ? nullptr : &i->second;
}

} // namespace

std::string_view http_request::header(std::string_view name) const noexcept {
  const auto* value = find(headers, name);
  return value == nullptr ? std::string_view{} : std::string_view(*value);
}

bool http_request::has(std::string_view name) const noexcept {
  return find(headers, name) != nullptr;
}

void http_response::set(std::string_view name, std::string value) {
  erase(name);
  headers.emplace_back(name, std::move(value));
}

std::string_view http_response::header(std::string_view name) const noexcept {
  const auto* value = find(headers, name);
  return value == nullptr ? std::string_view{} : std::string_view(*value);
}

void http_response::erase(std::string_view name) {
  std::erase_if(headers, [name](const auto& header) { return same_name(header.first, name); });
}

open_file::~open_file() { ::close(descriptor_); }

http_response text_response(unsigned status, std::string text) {
  http_response response;
  response.status = status;
  response.headers = {{"Content-Type", "text/plain; charset=utf-8"},
                      {"X-Content-Type-Options", "nosniff"}};
  response.body = std::move(text);
  if (response.body.empty() || response.body.back() != '\n')
    response.body += '\n';
  return response;
}

} // namespace natterjack::relay
