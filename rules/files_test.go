package rules

// files are rule files that TestLoadLikeGitleaks has gitleaks and us load, and
// the seeds of FuzzParse. bases are what some of them extend.
var files = map[string]string{
	"one rule":           rule("a", `regex = '''aaa[0-9]{4}'''`, `keywords = ["AAA"]`, `tags = ["x", "y"]`, `entropy = 2.5`),
	"names in any case":  "Title = \"t\"\n[[Rules]]\nID = \"a\"\nRegex = '''a+b'''\nSecretGroup = 0\n",
	"string for a list":  rule("a", `regex = '''a'''`, `keywords = "One,two"`),
	"number as a string": rule("a", `regex = '''a(b)'''`, `secretGroup = "1"`, `entropy = "3.5"`),
	"path only":          rule("a", `path = '''\.p12$'''`),
	"path and regex":     rule("a", `path = '''\.py$'''`, `regex = '''x=(\w+)'''`, `secretGroup = 1`),
	"skip report":        rule("a", `regex = '''a'''`, `skipReport = true`),
	"required": rule("a", `regex = '''a'''`) + "[[rules.required]]\nid = \"b\"\nwithinLines = 3\n[[rules.required]]\nid = \"b\"\nwithinColumns = 0\n" +
		rule("b", `regex = '''b'''`),
	"required of no rule":   rule("a", `regex = '''a'''`) + "[[rules.required]]\nid = \"zz\"\n",
	"required without id":   rule("a", `regex = '''a'''`) + "[[rules.required]]\nwithinLines = 3\n",
	"allowlists of a rule":  rule("a", `regex = '''a'''`) + allow("rules.allowlists", `condition = "AND"`, `paths = ['''p''', '''(?i)q''']`, `stopwords = ["Abc", "abc", "b"]`) + allow("rules.allowlists", `regexTarget = "line"`, `regexes = ['''(?i)^x''', '''Y|z''']`),
	"allowlist, old form":   rule("a", `regex = '''a'''`) + "[rules.allowlist]\ncommits = [\" ABC \", \"abc\"]\n",
	"both forms":            rule("a", `regex = '''a'''`) + "[rules.allowlist]\ncommits = [\"a\"]\n" + allow("rules.allowlists", `commits = ["b"]`),
	"global allowlists":     allow("allowlists", `regexes = ['''g''']`, `regexTarget = "match"`) + allow("allowlists", `targetRules = ["a"]`, `stopwords = ["w"]`, `condition = "||"`) + rule("a", `regex = '''a'''`),
	"global, old form":      "[allowlist]\npaths = ['''vendor''']\n" + rule("a", `regex = '''a'''`),
	"global, both forms":    "[allowlist]\npaths = ['''vendor''']\n" + allow("allowlists", `commits = ["b"]`) + rule("a", `regex = '''a'''`),
	"target of no rule":     allow("allowlists", `targetRules = ["zz"]`, `stopwords = ["w"]`) + rule("a", `regex = '''a'''`),
	"target secret":         rule("a", `regex = '''a'''`) + allow("rules.allowlists", `regexTarget = "secret"`, `regexes = ['''x''']`),
	"unknown target":        rule("a", `regex = '''a'''`) + allow("rules.allowlists", `regexTarget = "word"`, `regexes = ['''x''']`),
	"unknown condition":     rule("a", `regex = '''a'''`) + allow("rules.allowlists", `condition = "xor"`, `regexes = ['''x''']`),
	"empty allowlist":       rule("a", `regex = '''a'''`) + allow("rules.allowlists", `description = "nothing"`),
	"bad regex":             rule("a", `regex = '''a('''`),
	"bad path":              rule("a", `regex = '''a'''`, `path = '''[z-a]'''`),
	"bad allowlist regex":   rule("a", `regex = '''a'''`) + allow("rules.allowlists", `regexes = ['''ok''', '''*''']`),
	"same group name twice": rule("a", `regex = '''a'''`) + allow("rules.allowlists", `regexes = ['''(?P<n>x)''', '''(?P<n>y)''']`),
	"no id":                 "[[rules]]\nregex = '''a'''\n",
	"nothing to match":      rule("a", `description = "d"`),
	"group too high":        rule("a", `regex = '''a(b)'''`, `secretGroup = 2`),
	"defined twice":         rule("a", `regex = '''a'''`) + rule("b", `regex = '''b'''`) + rule("a", `regex = '''c'''`, `entropy = 1`),
	"unknown fields":        "colour = \"red\"\n" + rule("a", `regex = '''a'''`, `severity = "low"`, `confidence = 3`),
	"no toml":               "rules: [",
	"wrong type":            "rules = 3\n",
	"empty":                 "",
	"extends default":       "[extend]\nuseDefault = true\ndisabledRules = [\"jwt\", \"aws-access-token\"]\n" + rule("a", `regex = '''a'''`),
	"changes a default":     "[extend]\nuseDefault = true\n" + rule("generic-api-key", `entropy = 4`, `keywords = ["More"]`, `tags = ["t"]`) + allow("rules.allowlists", `stopwords = ["w"]`),
	"targets a default":     "[extend]\nuseDefault = true\n" + allow("allowlists", `targetRules = ["generic-api-key", "jwt"]`, `stopwords = ["w"]`),
	"extends a file":        "[extend]\npath = \"%DIR%/base.toml\"\n" + rule("base", `description = "d"`, `regex = '''over'''`, `path = '''p'''`, `skipReport = false`) + rule("a", `regex = '''a'''`),
	"extends two":           "[extend]\npath = \"%DIR%/middle.toml\"\n" + rule("middle", `entropy = 1`),
	"extends three":         "[extend]\npath = \"%DIR%/top.toml\"\n" + rule("a", `regex = '''a'''`),
	"extends both":          "[extend]\npath = \"%DIR%/base.toml\"\nuseDefault = true\n" + rule("a", `regex = '''a'''`),
	"extends nothing there": "[extend]\npath = \"%DIR%/none.toml\"\n" + rule("a", `regex = '''a'''`),
	"disables in a file":    "[extend]\npath = \"%DIR%/base.toml\"\ndisabledRules = [\"base\", \"nobody\"]\n" + rule("a", `regex = '''a'''`),
	"only what it extends":  "[extend]\nuseDefault = true\n",
}

var bases = map[string]string{
	"base.toml":   rule("base", `regex = '''base'''`, `keywords = ["k"]`, `skipReport = true`, `secretGroup = 0`) + allow("rules.allowlists", `stopwords = ["s"]`) + allow("allowlists", `regexes = ['''global''']`) + allow("allowlists", `targetRules = ["base"]`, `stopwords = ["lost"]`),
	"middle.toml": "[extend]\npath = \"%DIR%/base.toml\"\n" + rule("middle", `regex = '''middle'''`),
	"top.toml":    "[extend]\npath = \"%DIR%/middle.toml\"\n" + rule("top", `regex = '''top'''`),
}

func rule(id string, lines ...string) string {
	return block("rules", append([]string{"id = \"" + id + "\""}, lines...))
}

func allow(table string, lines ...string) string { return block(table, lines) }

func block(table string, lines []string) string {
	text := "[[" + table + "]]\n"
	for _, l := range lines {
		text += l + "\n"
	}
	return text
}
