#include "actors/testkit/points.hpp"

#include <algorithm>
#include <iterator>

namespace souk::testkit {

const std::vector<named>& points() {
  static const std::vector<named> all{
      // The way of a command, and of what it causes.
      {"gateway: before an answer is given", "a node is about to answer a client"},
      {"gateway: a question is put again", "the shard was away, or moved: it is asked again"},
      {"shard: decided", "an entity has decided, and nobody knows"},
      {"shard: before an append is sent", "records are about to go to disks"},
      {"shard: an append is sent to its own disk", "and nowhere else yet"},
      {"shard: an append is sent to all", "the primary's disk and its followers have them on their way"},
      {"journal: before a commit", "of records, by a primary or a follower"},
      {"journal: after a commit", "nobody has heard of it"},
      {"journal: a commit is refused", "the disk is full"},
      {"replica: before an append", "a follower is about to write what its primary sent"},
      {"replica: an append is on its disk", "and its primary does not know"},
      {"replica: before it acknowledges", "a follower is about to tell how far it is"},
      {"replica: refuses an epoch that is over", "a deposed primary is told so"},
      {"shard: before it takes up what is committed", "all in sync have it; nothing of it has left"},
      {"shard: before an answer leaves", "to the gateway that asked"},
      {"shard: a repeat is answered", "with the first answer to its key"},
      {"shard: answers a repeat for an earlier primary",
       "which had decided it, in another life or elsewhere"},
      {"shard: a read waits for the lease", "other members are silent"},
      {"shard: a read is refused for the lease", "they stay silent"},
      {"shard: before effects are sent", "to a shard that may be anywhere"},
      {"shard: effects arrive", "and are not decided yet"},
      {"shard: an effect comes again", "its acknowledgement was lost, or is late"},
      {"shard: before effects are acknowledged", "they are committed here, and the sender does not know"},
      {"shard: before a call to the world", "it is committed; nobody was called"},
      // A checkout, as it is decided.
      {"checkout: a line is held", "its stock has said so"},
      {"checkout: all is held", "every line, and the cart"},
      {"checkout: is to be charged", "the payment is about to be asked for"},
      {"checkout: was not charged", "the payment failed"},
      {"checkout: was charged and is completed", "the order is about to be made"},
      {"checkout: is canceled", "by the buyer; its holds are to be released"},
      {"checkout: its time is over", "nobody completed it; its holds are to be released"},
      {"checkout: its time is over while it is charged", "the outcome of the payment decides"},
      {"checkout: fails", "before anything was held"},
      {"checkout: fails and gives back what it held", "some lines were held, not all"},
      {"payments: before the provider is called", "nothing is charged"},
      {"payments: the provider was called", "it may have charged; nobody knows"},
      {"payments: before a result is told", "to the shard that wants it"},
      {"payments: the provider is silent", "it may have charged or not"},
      {"provider: a charge is found", "by asking, after silence"},
      {"provider: no charge is found", "by asking, after silence"},
      {"provider: a charge can come no more", "its key is taken back"},
      {"provider: money goes back", "of an order that was canceled"},
      // Who leads.
      {"coordinator: before a shard's record is changed", "an epoch, a primary, or who is in sync"},
      {"coordinator: a shard's record was changed", "and whoever asked does not know"},
      {"replica: an epoch is opened for it", "the record says so; this disk does not yet"},
      {"replica: before an epoch is stored", "its own or its primary's"},
      {"replica: an epoch is stored", "on this disk, before anything under it"},
      {"replica: before it leads", "a shard is about to be made of it"},
      {"replica: before its tail is cut", "what a deposed primary left here differs"},
      {"journal: before a cut", "of records that are no part of the sequence"},
      {"journal: after a cut", "nothing was put in their place"},
      {"shard: opens its epoch", "with a record that must be committed before it serves"},
      {"shard: before it serves", "it may answer from now on"},
      {"shard: takes over a call to the world", "a payment was under way when its primary went"},
      {"shard: before it leaves office", "deposed, handed over, or its disk was full"},
      {"shard: before it is handed over", "all is decided; another member is to lead"},
      {"replica: its node's lease ended while it leads", "the primary lives, and may be deposed"},
      {"replica: before who is in sync is changed", "the primary is about to ask for it"},
      {"replica: a member is in sync no more", "it was lost, or lagged"},
      {"replica: a learner is in sync", "it has caught up"},
      // A copy that is sent whole.
      {"shard: begins to send its state", "a member is too far behind for records"},
      {"shard: before a piece of its state is sent", "the first or a later one, or once more"},
      {"snapshot: begins", "a member was told that it gets the state"},
      {"snapshot: before a piece is put aside", "among the rows of its state"},
      {"snapshot: a piece is put aside", "and its primary does not know"},
      {"snapshot: before it is marked as whole", "all pieces are there"},
      {"snapshot: an interrupted installation goes on", "a start found its mark"},
      {"journal: before it begins anew", "behind the snapshot"},
      {"journal: after it began anew", "the old state is still there"},
      {"snapshot: before old rows go", "some of them"},
      {"snapshot: before a piece is put in place", "the first or a later one"},
      {"snapshot: before its mark goes", "all is in place"},
      {"snapshot: is installed", "and its primary does not know"},
      // How the state follows.
      {"shard: before its state is written", "all its entities have handed out their rows"},
      {"shard: its state is written", "its journal may be trimmed"},
      {"shard: there is no room for its state", "the disk is full"},
      {"replica: before its state is written", "a follower's, from its journal"},
      {"state: before a commit", "of rows, by whomever"},
      {"state: after a commit", "nobody has heard of it"},
      {"journal: before a trim", "behind what the state stands for"},
      {"journal: after a trim", "some records are gone"},
      {"shard: an entity leaves memory", "nobody wanted it, or others wanted its place"},
      {"entity: comes back from the disk", "somebody wants it again"},
      // Who throws.
      {"shard: a strike", "a message that comes again made its entity throw"},
      {"shard: before a message is set aside", "it did so too often"},
  };
  return all;
}

const std::vector<named>& rare_events() {
  static const std::vector<named> all{
      {"a node died at a point", "exactly there"},
      {"a disk was lost", "with a whole cluster around it"},
      {"an entity threw, as asked", "and came back"},
      {"a message was set aside, as asked", "it made its entity throw again and again"},
      {"a cart went out from two windows", "at once"},
      {"a cart was changed while it was ordered", "at once"},
      {"registration lost", "a lease ended on a node that lives"},
      {"the watch fell behind; everything is read anew", "what it missed was compacted"},
      {"the coordination store does not answer", "and nodes go on without it"},
      {"the storage is full: the shard starts anew", "from what is on disk"},
      {"shard resigns", "another leads, under a later epoch"},
      {"this node is the controller", "after another was"},
      {"refused: insufficient_stock", "everybody wants the last units"},
      {"refused: hold_limit_reached", "one shopper wants more than is for one"},
      {"refused: payment_declined", "and nothing stays held"},
      {"refused: expired", "a checkout came too late"},
  };
  return all;
}

std::vector<named> never_reached(const std::map<std::string, std::uint64_t>& marks) {
  std::vector<named> missing;
  for (const auto* list : {&points(), &rare_events()})
    std::ranges::copy_if(*list, std::back_inserter(missing),
                         [&](const named& each) { return !marks.contains(std::string{each.name}); });
  return missing;
}

}  // namespace souk::testkit
