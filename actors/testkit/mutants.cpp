#include "actors/testkit/mutants.hpp"

namespace souk::testkit {

const std::vector<named>& mutants() {
  static const std::vector<named> all{
      // Replication.
      {"alone", "a record counts as committed when the primary alone has it"},
      {"own-disk-not-awaited", "the primary counts its own disk before it has written"},
      {"sync-skipped", "the journal's writer says done before the commit"},
      {"old-epoch-accepted", "a follower takes records of a primary that was deposed"},
      {"tail-dropped", "a new primary drops what it does not know to be committed"},
      {"divergence-kept", "a follower keeps its own records where the primary's differ"},
      {"all-is-committed", "a follower takes all that it has for committed"},
      {"read-without-lease", "a primary answers reads without its lease"},
      {"snapshot-cut-short", "the last piece of a snapshot is not put in place"},
      {"snapshot-over-old-rows", "a snapshot is put over rows that it does not have"},
      // Shards.
      {"reply-before-commit", "an answer leaves before what it says is committed"},
      {"read-before-commit", "a read sees what is not committed"},
      {"charge-before-commit", "the provider is called before that is committed"},
      {"effects-lost", "effects that were not delivered are lost at a start"},
      {"one-too-many-forgotten", "an acknowledgement forgets one effect more than it should"},
      {"effect-taken-twice", "an effect that comes again is taken up again"},
      {"received-forgotten", "what was received is forgotten at a start"},
      {"answers-forgotten", "a repeat does not find the first answer"},
      {"request-forgotten", "a repeat does not find that the first is still under way"},
      {"timers-lost", "timers that were due before a start never fire"},
      {"event-applied-twice", "a replay applies each event twice"},
      {"state-before-commit", "the state on disk gets what is not committed"},
      {"rows-of-leaving-lost", "what an entity changed is lost when it leaves memory"},
      // Commerce.
      {"oversold-by-one", "a hold is given for one unit more than there is"},
      {"hold-released-twice", "the end of a hold frees its units twice"},
      {"ended-hold-kept", "a hold that ended comes back with the next start"},
      {"restocked-twice", "a canceled order brings back twice what it had"},
      {"never-expired", "a checkout that nobody finishes keeps its goods for ever"},
      {"total-of-a-unit-less", "a line costs one unit less than it has"},
      {"rounded-up", "half a cent is rounded up instead of to the even one"},
      {"cart-version-ignored", "a cart that was changed meanwhile is ordered as it was"},
      {"if-match-ignored", "a cart is changed although it is at another version than was asked for"},
      {"claimed-twice", "two checkouts claim one cart"},
      {"order-not-placed", "a checkout is completed and no order made of it"},
      {"declined-sold", "a declined payment buys"},
      {"silence-is-failure", "a provider that says nothing is taken to have charged nothing"},
      {"key-of-each-try", "each try of a charge has a key of its own"},
      {"refund-not-made", "a canceled order says that it gave the money back, and does not"},
  };
  return all;
}

}  // namespace souk::testkit
