#include "runtime/server/http_authority.hpp"

#include "runtime/lua/codec/digests.hpp"
#include "runtime/lua/codec/text_codes.hpp"
#include "runtime/lua/shared/security_shelf.hpp"
#include "runtime/lua/storage/key_value_store.hpp"
#include "runtime/server/policy.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <map>

namespace natterjack::runtime {

namespace {

using json = nlohmann::json;

// In the same time whatever is wrong with it.
bool are_equal(std::string_view a, std::string_view b) noexcept {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < a.size() && i < b.size(); ++i)
    difference |= static_cast<unsigned>(static_cast<unsigned char>(a[i]) ^
                                        static_cast<unsigned char>(b[i]));
  return difference == 0;
}

// The key in the store; empty: the token is none of this store.
std::string key_of(std::string_view token, const std::string& secret) {
  if (!secret.empty()) {
    const auto dot = token.find('.');
    if (dot == token.npos || dot == 0)
      return {};
    std::string code, text;
    if (!lua::hmac("sha256", secret, token.substr(0, dot), code))
      return {};
    lua::encode_base64_text(code, text, true);
    if (!are_equal(text, token.substr(dot + 1)))
      return {};
    token = token.substr(0, dot);
  }
  return "token:" + std::string(token);
}

std::shared_ptr<const relay::request_actor> read_actor(std::string_view bytes) {
  const auto found = json::parse(bytes, nullptr, false);
  if (!found.is_object() || !found.contains("actor") || !found["actor"].is_object())
    return nullptr;
  const auto& who = found["actor"];
  auto made = std::make_shared<relay::request_actor>();
  made->id = who.contains("id") && who["id"].is_string() ? who["id"].get<std::string>() : "";
  made->value = who.dump();
  if (const auto scope = found.find("scope"); scope != found.end() && scope->is_array()) {
    made->has_scope = true;
    for (const auto& id : *scope)
      if (id.is_string())
        made->policies.push_back(id.get<std::string>());
  }
  return made;
}

} // namespace

relay::token_lookup tokens_of(lua::services& shared, const std::string& token_store_id) {
  const auto& shelf = shared.of<lua::security_shelf>();
  const auto settings = shelf.token_stores.find(token_store_id);
  const auto& stores = shared.of<lua::store_shelf>().stores;
  const auto store = settings == shelf.token_stores.end() ? stores.end()
                                                          : stores.find(settings->second.store);
  if (store == stores.end()) { // added by a reload: such entries take effect with the next start
    spdlog::warn("{}: no such token store yet; nobody is known by its tokens", token_store_id);
    return [](std::string_view) { return nullptr; };
  }
  return [keeps = store->second, secret = settings->second.token_key](std::string_view token)
             -> std::shared_ptr<const relay::request_actor> {
    const auto key = key_of(token, secret);
    if (key.empty())
      return nullptr;
    const auto found = keeps->read_now(key);
    if (found.why.text.empty() && !found.values.empty())
      return read_actor(found.values.front().bytes());
    if (found.why.kind != lua::error_kind::not_found)
      spdlog::error("token_auth: {}", found.why.text);
    return nullptr;
  };
}

relay::permission permission_of(lua::services& shared) {
  std::map<std::string, policy> rules;
  const auto& shelf = shared.of<lua::security_shelf>();
  for (const auto& [id, text] : shelf.policies) {
    const auto when = shelf.expressions.find(id);
    rules.emplace(id, policy(json::parse(text.bytes(), nullptr, false),
                             when == shelf.expressions.end() ? nullptr : when->second));
  }
  return [rules = std::move(rules)](const relay::request_actor& actor, const std::string& action,
                                    const std::string& resource) {
    const auto who = json::parse(actor.value, nullptr, false);
    bool allowed = false;
    for (const auto& id : actor.policies) {
      const auto rule = rules.find(id);
      const auto said = rule == rules.end() ? policy::verdict::undefined
                                            : rule->second.evaluate(who, action, resource);
      if (said == policy::verdict::deny)
        return false;
      allowed = allowed || said == policy::verdict::allow;
    }
    return allowed;
  };
}

} // namespace natterjack::runtime
