#include "room.hpp"

#include <algorithm>
#include <ctime>

using natterjack::client;
using natterjack::incoming;
using natterjack::json;

namespace {

constexpr size_t text_bytes_max = 6000; // 2000 characters of the page

// What connect.lua has checked and handed over.
struct profile {
  std::string nick;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(profile, nick)

// What a client may say.
struct request {
  std::string type, text, room;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(request, type, text, room)

int64_t seconds_now() { return std::time(nullptr); }

} // namespace

NATTERJACK_HUB(chat_room, "chat.room");

void chat_room::on_start() {
  name_ = input_as<std::string>(0);
  if (!register_name("chat." + name_))
    throw std::runtime_error("there is a room \"" + name_ + "\" already");
}

void chat_room::on_join(const client& who) {
  const auto about = who.metadata_as<profile>();
  if (!about)
    return void(close(who, "metadata: " + about.error()));
  const auto nick = free_nick(about->nick);
  broadcast_except(who, "joined", {{"nick", nick}, {"at", seconds_now()}});
  members_[who.id] = {nick, ""};
  send(who, "welcome", {{"you", nick}, {"room", name_}, {"members", nicks()}});
}

void chat_room::on_leave(const client& who) {
  const auto gone = members_.extract(who.id);
  if (!gone)
    return;
  json left{{"nick", gone.mapped().nick}, {"at", seconds_now()}};
  if (!gone.mapped().going_to.empty())
    left["to"] = gone.mapped().going_to;
  broadcast("left", left);
}

void chat_room::on_message(const client& who, const incoming& what) {
  std::string problem = R"(expected JSON such as {"type": "say", "text": "..."})";
  if (const auto asked = what.read<request>(); !asked)
    problem += ": " + asked.error();
  else if (asked->type == "say")
    problem = say(who, asked->text);
  else if (asked->type == "enter")
    problem = enter(who, asked->room);
  if (!problem.empty())
    send(who, "error", {{"message", problem}});
}

std::string chat_room::say(const client& who, const std::string& text) {
  if (text.find_first_not_of(" \t\r\n") == std::string::npos)
    return "text: some words, please";
  if (text.size() > text_bytes_max)
    return "text: at most " + std::to_string(text_bytes_max) + " bytes";
  broadcast("said", {{"from", members_.at(who.id).nick}, {"text", text}, {"at", seconds_now()}});
  return "";
}

std::string chat_room::enter(const client& who, const std::string& room) {
  const auto other = lookup("chat." + room);
  if (!other || room == name_)
    return "room: there is no other room of that name";
  auto& member = members_.at(who.id);
  member.going_to = room;
  // The connection itself changes sides: on_leave here, on_join there, the socket stays open.
  natterjack::relay_change change;
  change.target = to_string(*other);
  change.metadata = json{{"nick", member.nick}, {"room", room}};
  reconfigure(who, change);
  return "";
}

std::vector<std::string> chat_room::nicks() const {
  std::vector<std::string> names;
  for (const auto& [id, member] : members_)
    names.push_back(member.nick);
  std::sort(names.begin(), names.end());
  return names;
}

// Two people may ask for the same nick; the second one gets a number behind it.
std::string chat_room::free_nick(const std::string& wanted) const {
  const auto taken = nicks();
  auto nick = wanted;
  for (int number = 2; std::binary_search(taken.begin(), taken.end(), nick); ++number)
    nick = wanted + " " + std::to_string(number);
  return nick;
}
