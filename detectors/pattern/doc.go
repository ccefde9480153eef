// Package pattern finds secrets that have a shape: it runs gitleaks' rules.
//
// The promise: on the bytes as read it finds what gitleaks 8.30.1 finds in the
// same bytes (rule, match, secret), decoding and inline comments aside; on top
// of that it searches the views of a batch, and reports what it finds there at
// the raw bytes it stands for, a secret that the text shows too only once. A
// Detector is safe for concurrent use. Of a batch it keeps only lines in which no
// rule can find anything, without their ids and numbers, in memory and within a
// bound. Text that costs too much is withheld line by line, never passed over.
//
// # What a fragment is
//
// gitleaks' answer depends on how it cuts its input (at 28,672 bytes, in the
// middle of a line): a rule runs when one of its keywords is anywhere in the
// cut, and no match crosses it. Here a fragment is a batch with its lead, or
// one message of it where the transport has messages; so a secret on a cut is
// found. A match of a rule whose expression holds its keyword is the same
// however the stream is split, if its secret ends in the newest line. The few
// rules whose keyword stands apart from the match (of gitleaks' own:
// facebook-access-token, sourcegraph-access-token,
// airtable-personnal-access-token, and some whose keyword has a dot where the
// expression takes any character) need it in the batch or its lead.
//
// # Where it differs from gitleaks, and why
//
//   - For a finding in a last line without line end, gitleaks takes all text from
//     the fragment's start as "the line" of a line allowlist; we take the line,
//     so that text far above hides nothing.
//   - Where a rule's secretGroup took part in the match with no bytes, gitleaks
//     reports an empty secret; we report the match, because an empty secret
//     cannot be taken out. Empty matches are not reported.
//   - A match reaches over 64 KiB at most.
//   - Inline comments (gitleaks:allow) are honoured only if asked, since whoever
//     writes a prompt writes the log.
//   - A rule of paths only (pkcs12-file) says something of a file: all of it is the
//     secret, one finding for each batch. Rules and allowlists see a path where
//     the source is a file or an archive.
//   - In a view, lines that stand apart in the batch are neighbours; a match there
//     stays in one line, except where the view joins frames.
//   - More than 16,384 comparisons of generic with specific findings on one line
//     are not made; the generic ones then stay.
//
// # How it works
//
// Each rule is split into branches, each with words that every match of it
// holds at a known place (plan, literal). A log says most things many times, with
// other ids and numbers. A line, or a few, in which nothing is found is searched once
// more alone, and all that its words came to is noted with the bytes that it rests
// on (lesson). Ids and numbers that it does not rest on, or that are proven to make no
// difference (prover, digits), are free, and what differs from that template in those
// alone is passed over from then on (outline, template, passing); a word that has to do
// with what follows is tried each time. A match that reaches from what is searched
// into what was passed over, where its rule has a place, makes all be searched. In
// the rest, what a batch says again is not searched again (repeat), nor what its views
// have of it; what was found out is taken over where it rests on the same bytes alone
// (past). Where nothing is known one automaton finds the words of all rules (automaton,
// walk, lanes). Where one stands, a first look goes to the value behind it, if all rules
// of the word have
// one (look). A digest, UUID or masked key that all of them take for innocent ends
// the matter (innocent, digest). Rules whose parts leave no choice, as a name, a
// separator and a quoted value do, are read without an automaton (shape, read); else a
// lazily built one tries the rest of all branches that have the word (machine, known,
// nfa, dfa, run, circle), if what has to follow far behind it is there at all (ahead).
// Places that are left are resolved rule by rule, from the left, into the matches that
// repeated searches with regexp would give (resolve, head); the same states tell where
// the groups lie (group). Allowlists and entropy judge the secret, and what they took
// for innocent is remembered by a keyed hash (allow, either, score, innocent); then
// required and generic rules are weighed against each other (near). A rule without a
// word is searched from end to end, where its keyword is present at all (sweep in
// resolve).
package pattern
