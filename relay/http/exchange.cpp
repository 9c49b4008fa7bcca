#include "relay/http/exchange.hpp"

#include <algorithm>
#include <strings.h>
#include <unistd.h>

namespace natterjack::relay {

bool same_word(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::vector<std::string_view> list_items(std::string_view list) {
  std::vector<std::string_view> items;
  while (!list.empty()) {
    auto item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), item.size() + 1));
    while (!item.empty() && (item.front() == ' ' || item.front() == '\t'))
      item.remove_prefix(1);
    while (!item.empty() && (item.back() == ' ' || item.back() == '\t'))
      item.remove_suffix(1);
    if (!item.empty())
      items.push_back(item);
  }
  return items;
}

namespace {

const std::string* find(const header_list& headers, std::string_view name) noexcept {
  auto i = std::find_if(headers.begin(), headers.end(),
                        [name](const auto& header) { return same_word(header.first, name); });
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
  std::erase_if(headers, [name](const auto& header) { return same_word(header.first, name); });
}

void add_to_list(http_response& response, std::string_view name, std::string_view item) {
  std::string list(response.header(name));
  for (auto there : list_items(list))
    if (same_word(there, item))
      return;
  list.append(list.empty() ? "" : ", ").append(item);
  response.set(name, std::move(list));
}

size_t http_response::body_size() const noexcept {
  if (!file)
    return body.size();
  const auto rest = file->size() > file_offset ? file->size() - file_offset : 0;
  return std::min(rest, file_bytes);
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
