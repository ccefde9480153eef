package gate

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// ShellWord writes a text with references as one word of bash: what is fixed
// in single quotes, references as variables that the prelude's functions set.
func ShellWord(text string) string {
	var b strings.Builder
	last := 0
	literal := func(s string) {
		switch {
		case s == "":
		case utf8.ValidString(s):
			b.WriteString("'" + strings.ReplaceAll(s, "'", `'\''`) + "'")
		default:
			b.WriteString(byBytes(s))
		}
	}
	for _, m := range reference.FindAllStringSubmatchIndex(text, -1) {
		literal(text[last:m[0]])
		name, attribute := text[m[2]:m[3]], ""
		if m[4] >= 0 {
			attribute = text[m[4]:m[5]]
		}
		b.WriteString(`"$` + shellVariable(name, attribute) + `"`)
		last = m[1]
	}
	literal(text[last:])
	if b.Len() == 0 {
		return "''"
	}
	return b.String()
}

// byBytes quotes what is no text, so that a report stays one.
func byBytes(s string) string {
	var b strings.Builder
	b.WriteString("$'")
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '\'' || c == '\\' {
			fmt.Fprintf(&b, `\x%02x`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String() + "'"
}

func shellVariable(name, attribute string) string {
	switch name {
	case "run", "model", "other", "large":
		return strings.ToUpper(name)
	}
	return name + "_" + attribute
}

// holdsKey says that a text refers to a key, or to the hash of the master key,
// which no command line may show, or to more than one can hold.
func holdsKey(text string) bool {
	return strings.Contains(text, "{large}") || strings.Contains(text, ".key}") || strings.Contains(text, ".token}") || strings.Contains(text, ".tail}") || strings.Contains(text, "{master.hash}")
}

// Base is the shell variable of a target.
func (t Target) Base() string {
	if t == 0 {
		return "$GATEWAY"
	}
	return fmt.Sprintf("$REPLICA%d", int(t))
}

// Curl writes a request as a curl whose output is the body and, on a line of
// its own, the status. Keys come from files: the header files that the
// prelude makes, or a printf of the shell itself.
func Curl(r Request) string {
	b := []string{`curl -s --max-time 20 -w '\n%{http_code}'`}
	if strings.Contains(r.Path, "..") || strings.Contains(r.Path, "//") {
		b = append(b, "--path-as-is")
	}
	if r.Method != "" && r.Method != "GET" && !(r.Method == "POST" && r.Body != "") {
		b = append(b, "-X "+r.Method)
	}
	if holdsKey(r.Path) {
		b = append(b, `-K <(printf 'url = "%s"\n' "`+r.To.Base()+`"`+ShellWord(r.Path)+`)`)
	} else {
		b = append(b, `"`+r.To.Base()+`"`+ShellWord(r.Path))
	}
	if r.As != "" {
		b = append(b, "-H @"+r.As+".h")
	}
	typed := false
	for _, h := range r.Headers {
		typed = typed || strings.EqualFold(h.Name, "Content-Type")
		line := h.Name + ": " + h.Value
		if h.Value == "" {
			line = h.Name + ";"
		}
		if holdsKey(h.Value) {
			b = append(b, `-H @<(printf '%s\n' `+ShellWord(line)+`)`)
		} else {
			b = append(b, "-H "+ShellWord(line))
		}
	}
	if r.Body != "" {
		if !typed {
			b = append(b, "-H 'Content-Type: application/json'")
		}
		if holdsKey(r.Body) {
			b = append(b, `-d @<(printf '%s' `+ShellWord(r.Body)+`)`)
		} else {
			b = append(b, "-d "+ShellWord(r.Body))
		}
	}
	return wrap(b)
}

// wrap breaks a long command after whole words.
func wrap(words []string) string {
	var b strings.Builder
	column := 0
	for i, w := range words {
		if i > 0 && column+len(w) > 96 {
			b.WriteString(" \\\n  ")
			column = 2
		} else if i > 0 {
			b.WriteByte(' ')
			column++
		}
		b.WriteString(w)
		column += len(w)
	}
	return b.String()
}

// ShellObjects writes the commands that make the objects a check's requests
// refer to, each after those it refers to itself. A second call for the same
// object does nothing.
func ShellObjects(blueprints map[string]Blueprint, requests ...Request) string {
	var names []string
	for _, r := range requests {
		texts := []string{"{" + r.As + "}", r.Path, r.Body}
		for _, h := range r.Headers {
			texts = append(texts, h.Value)
		}
		names = append(names, References(texts...)...)
	}
	var b strings.Builder
	done := map[string]bool{}
	var emit func(name string)
	emit = func(name string) {
		plan, ok := blueprints[name]
		if !ok || done[name] {
			return
		}
		done[name] = true
		for _, other := range References(plan.Fields) {
			emit(other)
		}
		fields := objectBody(&Object{Kind: plan.Kind, Name: "{run}-" + name}, plan.Fields)
		fmt.Fprintf(&b, "%s %s %s\n", plan.Kind, name, ShellWord(fields))
	}
	for _, name := range names {
		emit(name)
	}
	return b.String()
}

// Prelude is what the curls of a report need once: addresses, the master key
// in a header file, and the functions that make objects and judge answers.
func Prelude(p Plan) string {
	var b strings.Builder
	b.WriteString("# bash, curl and sed. The master key is read from LITELLM_MASTER_KEY and passed to curl in a file\n" +
		"# (printf is the shell's own), never in a command line that others can see.\n")
	if p.ProviderAddress != "" {
		fmt.Fprintf(&b, "# The model is the built-in provider's: leave `sluice gate provider %s` running beside.\n", p.ProviderAddress)
	}
	fmt.Fprintf(&b, "GATEWAY=%s\n", ShellWord(p.Gateway))
	for i, r := range p.Replicas {
		fmt.Fprintf(&b, "REPLICA%d=%s\n", i+1, ShellWord(r))
	}
	fmt.Fprintf(&b, "MODEL=%s OTHER=%s\n", ShellWord(p.Model), ShellWord(p.Other))
	b.WriteString(prelude)
	return b.String()
}

const prelude = `RUN=sluice-gate-sh$$x$RANDOM       # sluice gate clean removes what bears this name
export LC_ALL=C; umask 077; FROM=$PWD; cd "$(mktemp -d)" || exit; HERE=$PWD
header() { printf 'Authorization: Bearer %s\n' "$2" > "$1.h"; }
header master "${LITELLM_MASTER_KEY:?}"
master_hash=$(printf %s "$LITELLM_MASTER_KEY" | { sha256sum 2> /dev/null || shasum -a 256; } | cut -d' ' -f1)
unknown_key=sk-$(head -c 11 /dev/urandom | od -An -tx1 | tr -d ' \n')
header invalid "$unknown_key"
short_key=sk-${unknown_key:3:8} custom_key=sk-${unknown_key:3:22}
member() { sed -n 's/.*"'"$1"'": *"\([^"]*\)".*/\1/p' "$2"; }
make() { # make KIND NAME PATH JSON: makes an object unless it is there
  [ -e "$2.made" ] && return
  curl -s --max-time 20 "$GATEWAY$3" -H @master.h -H 'Content-Type: application/json' -d "$4" > "$2.made"
}
key() { make key "$1" /key/generate "$2"; printf -v "$1_key" %s "$(member key "$1.made")"
  local k="$1_key"; header "$1" "${!k}"; printf -v "$1_hash" %s "$(member token "$1.made")"
  printf -v "$1_name" %s "$(member key_alias "$1.made")"; }
team() { make team "$1" /team/new "$2"; printf -v "$1_id" %s "$(member team_id "$1.made")"; }
user() { make user "$1" /user/new "$2"; printf -v "$1_id" %s "$(member user_id "$1.made")"; }
budget() { make budget "$1" /budget/new "$2"; printf -v "$1_id" %s "$(member budget_id "$1.made")"; }
tag() { make tag "$1" /tag/new "$2"; printf -v "$1_id" %s "$(member name "$1.made")"; }
random() { head -c "$1" /dev/urandom | od -An -tx1 | tr -d ' \n'; }
canary() { # canary ID NAME…: keys that nobody has, to be looked for in answers and logs
  local n id=$1; shift; : > "$id.answers"; for n; do
  printf -v "${n}_key" 'sk-%s' "$(random 11)"; printf -v "${n}_token" 'gsk_%s' "$(random 24)"
  local s="${n}_key"; printf -v "${n}_tail" '%s' "${!s#sk}"
  local k="${n}_key" t="${n}_token"; printf '%s=%s\n%s=%s\n' "${n}_key" "${!k}" "${n}_token" "${!t}" >> "$id.env"; done; }
refusal() { local text; text=$(cat); [[ ${text##*$'\n'} == 2* ]] || printf '%s\n' "$text"; }
scan() { (cd "$FROM" && sluice scan --format jsonl "$@"); }
told() { # told ID FILE SOURCE…: how often secrets of an env file stand in sources
  local id=$1 file=$2; shift 2; scan --no-default-rules --secrets-file "$HERE/$file" "$@" > "$id.found"
  [ $? -le 1 ] && grep -c '"rule":"known-secret"' "$id.found"; }
exposed() { # exposed ID SOURCE…: says whether canaries of ID stand in its answers or in logs
  local id=$1 n; shift; sleep 2     # lines are written late
  n=$(told "$id" "$id.env" "$HERE/$id.answers" "$@")
  case $n in 0) echo "$id pass" ;; '') echo "$id inconclusive (not everything could be read)" ;; *) echo "$id FAIL ($n found)" ;; esac; }
marked() { # marked ID URL SOURCE…: says so if no log shows a request that was sent there
  local id=$1 url=$2 mark n i; shift 2; mark=$(random 12); printf 'marker=%s\n' "$mark" > "$id.mark"
  curl -s --max-time 20 "$url/health/liveliness?sluice_gate_marker=$mark" > /dev/null
  for i in {1..10}; do sleep 2; n=$(told "$id" "$id.mark" "$@"); [ "${n:-0}" != 0 ] && return; done
  echo "$id inconclusive (no log shows a request to $url)"; }
charged() { # charged NAME: waits until what a key has spent is written, and then for what is written after that
  local i hash="$1_hash" body; for i in {1..60}; do
    body=$(curl -s --max-time 20 "$GATEWAY/key/info?key=${!hash}" -H @master.h)
    [[ $body == *'"spend"'* ]] && ! [[ $body =~ \"spend\":\ *0(\.0)?[,}] ]] && sleep 5 && return; sleep 1; done; return 1; }
LARGE=$(head -c 1500000 /dev/zero | tr '\0' a)
own='"type": *"(auth_error|token_not_found_in_db|expired_key|budget_exceeded|[a-z]+_model_access_denied)"'
provider='"message": *"(([A-Z][A-Za-z ]*, )?litellm\.[A-Za-z.]*(Error|Exception|Timeout)|No deployments available)'
judge() { # judge STATUS BODY EXPECTATION…: says whether the answer is what was promised
  local status=$1 body=$2 expect=$3; shift 3
  case $expect in
    status) [[ " $* " == *" $status "* ]] ;;
    served) [[ $status == 2* ]] ;;
    unserved) [[ $status == 4* || $status == 3* ]] ;;
    admitted) [[ $status == 2* ]] || { [[ $body =~ $provider ]] && ! [[ $body =~ $own ]]; } ;;
    closed) [[ $status == 404 || $status == 405 ]] || judge "$status" "$body" refused ;;
    refused) [[ $status == 4* ]] && { [[ $body =~ $own ]] ||
      { [[ $status == 401 || $status == 403 ]] && ! [[ $body =~ $provider ]]; }; } ;;
    budget) [[ $status == 4* && $body =~ '"budget_exceeded"' ]] ;;
    lacks) ! [[ $body =~ $1 ]] ;;
    has) [[ $body =~ $1 ]] ;;
  esac
}
want() { # want ID EXPECTATION…: reads a body with the status under it and says pass or FAIL
  local id=$1 text; shift; text=$(cat)
  local status=${text##*$'\n'} body=${text%$'\n'*}
  if [[ $status == 000 ]]; then echo "$id inconclusive (no answer)"
  elif judge "$status" "$body" "$@"; then echo "$id pass ($status)"
  else echo "$id FAIL ($status)"; fi
}
`
