// Package virtualkey finds the keys of an LLM gateway in its own output: live
// ones by their SHA-256, unknown ones by their form, and what is left of keys
// that were cut short before they were printed.
//
// Build a Detector with New around one immutable snapshot of keys; a refresh
// builds another one. Off the hot path, a Completer finds out whose a cut key
// was. Rules lists what can be reported.
//
// The promise: a key that the snapshot knows is found wherever it stands in a
// batch's text or views, whatever is before and behind it, and nothing else is
// called live: the hash decides. The cost does not depend on how many keys are
// alive. What could not be examined within the budget of hashes is withheld.
//
// # What a live key may look like
//
// It begins with a prefix ("sk-"), is at most 256 bytes long and made of
// printable ASCII and spaces: what the value of an HTTP header can carry. The
// lengths hashed are those whose last four bytes end the masked name of some
// live key. While a live key hides its name, every length is hashed as well,
// up to the first character that ends a token in a log: a space, a quote, a
// backslash, a comma, a semicolon, a bar, or a bracket of any kind. A custom
// key that has one of these in it and hides its name is the one that is missed.
// Of several live keys that begin at one place the longest is reported. A key of
// the characters of a default one that a single line break divides is put
// together, unless it hides its name and has another length; of an unknown one
// the first half may be a cut key.
//
// # Unknown keys
//
// These and cut keys are looked for behind "sk-" only, whatever the prefixes.
// LiteLLM's default key is "sk-" and 16 random bytes in base64url: 22
// characters, the last of them one of A, Q, g, w since only two of its bits
// are used. Text of exactly that form, with no such character on either side,
// is reported as a key nobody knows, unless it reads as words or repeats a few
// characters, which random keys do once in a hundred million times.
//
// # Cut keys
//
// "sk-" and six characters or more of a key in front of a cut mark: three dots,
// the character U+2026, asterisks, bullets, or a bracketed word such as
// [truncated]. A tail behind the mark counts if it can end a default key; with
// a tail, eight characters in all are enough, fewer are an innocent mask
// ("sk-...2345", "sk-m****7-kQ"). A bare end proves nothing: it is taken as a
// cut only behind 16 to 21 characters with upper case, lower case and digits
// among them, where at most 32 bits of a default key are missing. Heads that
// begin like another vendor's key ("sk-ant-", "sk-proj-") are left to the rules
// for that vendor. Severity follows the bits that are missing: critical up to
// 40, high up to 64, info beyond, which is reported and not taken out.
package virtualkey
