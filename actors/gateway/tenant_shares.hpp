#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace souk::gateway {

/// How tenants share the calls that a node has under way: max-min fair. Who asks for little gets it; those
/// who ask for more get equal parts of what is left.
///
/// A tenant is active if it has a call under way or has asked for one in this interval or the one before, and
/// wanting if it was refused one in that time. While one alone is active all that counts is the room. Of
/// several
///   - who has less under way than an equal part of the room is admitted, also where there is none: others
///     have filled it, and are refused until they have made room;
///   - else there must be room, and less under way than the fair level, which is what those who want for
///     nothing leave of it, in equal parts for those who do.
/// So of two tenants the one that has less under way is never refused what the other would get. And of one
/// tenant's calls, which come with different rooms, one for which there is more is never refused where one
/// for which there is less would be admitted.
///
/// For as long as it takes the others to make room more calls may be under way than there is room for: if n
/// tenants come one after the other, 1 + 1/2 + ... + 1/n times as many; never more than `most`. What a tenant
/// wanted is kept for it for an interval or two after it has stopped asking.
///
/// No clock, no lock.
class tenant_shares {
 public:
  /// Tenants that are counted apart, some 150 bytes each; what further ones ask for is counted together.
  static constexpr std::size_t tenants_max = 1'000;

  /// What a tenant has: to be given back when a call ends. It stays where it is for so long.
  class part {
    friend class tenant_shares;

    bool is_active() const { return under_way_ > 0 || asked_ || asked_before_; }
    bool is_wanting() const { return refused_ || refused_before_; }

    std::size_t under_way_ = 0;
    // In this interval, and in the one before.
    bool asked_ = false;
    bool asked_before_ = false;
    bool refused_ = false;
    bool refused_before_ = false;
  };

  /// `most`: calls under way in all.
  explicit tenant_shares(std::size_t most) : most_(most) {}

  /// Begins a call, for which there is room while so many are under way. Null: it is refused. Else `ended`
  /// follows. The name of a tenant may be any.
  part* begin(std::string_view tenant, std::size_t room);
  void ended(part& of);
  void interval_ended();

  std::size_t under_way() const { return under_way_; }
  std::size_t active() const { return active_; }
  std::size_t counted() const { return parts_.size(); }

 private:
  part& part_of(std::string_view tenant);
  bool admits(const part& of, std::size_t room) const;

  const std::size_t most_;
  std::map<std::string, part, std::less<>> parts_;
  std::size_t under_way_ = 0;
  std::size_t active_ = 0;
  std::size_t wanting_ = 0;
  std::size_t under_way_of_wanting_ = 0;
};

}  // namespace souk::gateway
