#include "relay/http/media_sniff.hpp"

#include <algorithm>

namespace natterjack::relay {

namespace {

constexpr size_t looked_at_max = 512;

struct signature {
  std::string_view bytes;
  std::string_view type;
};

using namespace std::string_view_literals;

constexpr signature signatures[]{
    {"<?xml"sv, "text/xml; charset=utf-8"sv}, {"%PDF-"sv, "application/pdf"sv},
    {"\x89PNG\r\n\x1a\n"sv, "image/png"sv},   {"\xff\xd8\xff"sv, "image/jpeg"sv},
    {"GIF87a"sv, "image/gif"sv},              {"GIF89a"sv, "image/gif"sv},
    {"PK\x03\x04"sv, "application/zip"sv},    {"\x1f\x8b\x08"sv, "application/x-gzip"sv},
};

constexpr std::string_view html_tags[]{
    "<!doctype html", "<html", "<head", "<script", "<iframe", "<h1", "<div", "<font", "<table",
    "<a", "<style", "<title", "<b", "<body", "<br", "<p"};

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool is_html(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(" \t\r\n\f");
  if (first == text.npos)
    return false;
  text.remove_prefix(first);
  if (text.starts_with("<!--"))
    return true;
  return std::any_of(std::begin(html_tags), std::end(html_tags), [text](std::string_view tag) {
    return text.size() > tag.size() && (text[tag.size()] == ' ' || text[tag.size()] == '>') &&
           std::equal(tag.begin(), tag.end(), text.begin(),
                      [](char want, char found) { return want == lower(found); });
  });
}

// Bytes that no text has.
bool is_binary(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte <= 0x08 || byte == 0x0b || (byte >= 0x0e && byte <= 0x1a) ||
         (byte >= 0x1c && byte <= 0x1f);
}

} // namespace

std::string_view sniff_media_type(std::string_view beginning) noexcept {
  beginning = beginning.substr(0, looked_at_max);
  if (is_html(beginning))
    return "text/html; charset=utf-8";
  for (const auto& one : signatures)
    if (beginning.starts_with(one.bytes))
      return one.type;
  if (std::any_of(beginning.begin(), beginning.end(), is_binary))
    return "application/octet-stream";
  return "text/plain; charset=utf-8";
}

} // namespace natterjack::relay
