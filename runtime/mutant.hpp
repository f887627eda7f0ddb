#pragma once

#include <string_view>

/// Mutants: bugs that such systems really have, planted on purpose, one line each. The simulator has to find
/// every one; see docs/testers.md.
///
/// A build without the option SOUK_MUTANTS has none of them: the question is answered when it is compiled,
/// and nothing of it is left. Only sources that include this header are compiled anew for a build that has
/// them; no header may include it.
namespace souk {

#ifdef SOUK_MUTANTS

/// The bug that this process has; empty: none. Set before anything runs, and never again.
inline std::string_view mutant_at_work;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

inline bool mutated(std::string_view name) { return name == mutant_at_work; }

#else

constexpr bool mutated(std::string_view) { return false; }

#endif

}  // namespace souk
