package pattern

const (
	freeHex = freeDigit | freeHexLetter
	// shortestHex is of hex digits that are taken for an id, leastID of letters and digits.
	shortestHex, leastID = 8, 16
)

// setFree sets what may be free in a line, as far as its looks tell: what is an id or a
// number. Behind a per cent sign nothing is: there digits are part of an escape.
func setFree(free, line []byte) {
	for i := 0; i < len(line); {
		if classOf[line[i]]&freeWord == 0 {
			i++
			continue
		}
		start, has := i, uint8(0)
		uuid := i+uuidLength < len(line) && isUUID(line[i:i+uuidLength])
		for i < len(line) && (classOf[line[i]]&freeWord != 0 || uuid && i < start+uuidLength) {
			has |= classOf[line[i]]
			i++
		}
		switch {
		case start > 0 && line[start-1] == '%':
		case uuid && i == start+uuidLength:
			for k := start; k < i; k++ {
				if line[k] != '-' {
					free[k] = freeHex
				}
			}
		default:
			setRun(free[start:i], line[start:i], has)
		}
	}
	for i := 0; i+maskLength < len(line); i++ {
		if line[i] == maskHead[0] && isMask(line[i:i+maskLength]) {
			fill(free[i+len(maskHead):i+maskLength], freeWord|freeUnderscore)
		}
	}
}

// setRun is setFree for a run of letters and digits, which has bytes of some classes.
func setRun(free, run []byte, has uint8) {
	switch {
	case has&freeDigit == 0:
	case has == freeHex && len(run) >= shortestHex, has == freeDigit && len(run) >= shortestDigest:
		fill(free, freeHex)
	case has != freeDigit && len(run) >= leastID:
		fill(free, freeWord)
	default:
		for i, c := range run {
			free[i] = classOf[c] & freeDigit
		}
	}
}

func fill(s []byte, c byte) {
	for i := range s {
		s[i] = c
	}
}
