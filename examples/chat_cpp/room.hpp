// One room of the chat: who is here, what is said, who goes on to another room.
//
//   hears        from a client              answers
//   on_join      -                          `welcome` to the newcomer, `joined` to the others
//   on_leave     -                          `left` to those who stay
//   on_message   {type = "say", text}       `said` to everybody, the speaker included
//                {type = "enter", room}     nothing: the other room welcomes the connection
//                anything else              `error` to the sender alone
#pragma once

#include <natterjack/hub.hpp>

#include <map>
#include <string>
#include <vector>

class chat_room : public natterjack::hub_actor {
 public:
  void on_start() override;
  void on_join(const natterjack::client& who) override;
  void on_message(const natterjack::client& who, const natterjack::incoming& what) override;
  void on_leave(const natterjack::client& who) override;

 private:
  struct guest {
    std::string nick;
    std::string going_to;
  };
  /// @returns what is wrong; empty if all went well
  std::string say(const natterjack::client& who, const std::string& text);
  std::string enter(const natterjack::client& who, const std::string& room);
  std::vector<std::string> nicks() const;
  std::string free_nick(const std::string& wanted) const;

  std::string name_;
  std::map<natterjack::hub::pid, guest> members_;
};
