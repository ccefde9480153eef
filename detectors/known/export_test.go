package known

// HasParts says whether parts of a value are reported.
func HasParts(v string) bool { return hasParts(newValue(v)) }
