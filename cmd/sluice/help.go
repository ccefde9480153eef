package main

import (
	"cmp"
	"strings"

	"github.com/spf13/cobra"
)

// helpText is what the help of a command says behind what the command does.
type helpText struct {
	more     string // appended to Long
	examples string // one a line
}

const (
	sourcesHelp = "SOURCE is a file, a folder, a glob, - for standard input, docker://NAME-GLOB[?label=K=V&since=TIME&tail=N] or\n" +
		"kafka://HOST:PORT[,HOST:PORT]/TOPIC[?group=G&start=first|last|TIME]. Without one, standard input is read."
	ignoreHelp = "A line of an --ignore file is a glob of sources (logs/old/**), rule:GLOB, SOURCES:RULES:LINE, or a fingerprint;\n" +
		"! before it takes back what an earlier line said, # begins a comment."
	timesHelp = "--since and --until go by the time that a line, or what carried it, has; lines without one go with the line before,\n" +
		"and UTF-16 files are read whole."
	keysCodes = "Exit codes: 0 done, 2 wrong use, 3 a gateway or a snapshot could not be read."
)

// helpTexts is by command, without "sluice".
func helpTexts() map[string]helpText {
	return map[string]helpText{
		"": {
			more: "Exit codes of all commands: 0 clean or done, 1 secrets found (gate: a check failed), 2 wrong use or configuration,\n" +
				"3 the job could not be finished, 130 interrupted.\n\n" +
				"Keys come through the environment or files, never as a flag's value: LITELLM_MASTER_KEY is looked for in every\n" +
				"encoding; SLUICE_GATEWAY_KEY is for the gateway's admin API.",
			examples: "sluice demo\nsluice scan logs/ --sarif sluice.sarif\nlitellm --config config.yaml 2>&1 | sluice redact > gateway.log",
		},
		"scan": {
			more: sourcesHelp + "\n\n" + timesHelp + "\n\n" + ignoreHelp,
			examples: "sluice scan logs/ --sarif sluice.sarif\n" +
				"zcat old.log.gz | sluice scan --format jsonl\n" +
				"sluice scan /var/log/litellm --gateway https://gateway.example --secrets-file .env\n" +
				"sluice scan 'docker://litellm-*?tail=1000' --fail-on high",
		},
		"redact": {
			more: sourcesHelp + "\n\n" + timesHelp,
			examples: "litellm --config config.yaml 2>&1 | sluice redact > gateway.log\n" +
				"sluice redact --secrets-file .env -o clean/ logs/\n" +
				"sluice redact --follow --state-dir state -o clean.log app.log",
		},
		"watch": {
			more: sourcesHelp + "\n\n" + ignoreHelp,
			examples: "sluice watch 'docker://litellm-*' --gateway https://gateway.example --state-dir state\n" +
				"sluice watch 'logs/*.log' --state-dir state --sink webhook:https://alerts.example/sluice --listen 127.0.0.1:9464",
		},
		"exec": {
			more:     "Exit codes: the child's; 2 wrong use, 3 no credential for a gateway that is named, 126 and 127 a CMD that can't be run or is not there.",
			examples: "sluice exec -- litellm --config config.yaml",
		},
		"gate": {
			more: "Exit codes: 0 all checks passed, 1 a check failed, 2 wrong use, 3 inconclusive, 130 interrupted.",
			examples: "sluice gate --gateway http://localhost:8080 --replica http://localhost:4000 --replica http://localhost:4001 --logs 'logs/*.log'\n" +
				"sluice gate --gateway http://localhost:8080 --dry-run",
		},
		"gate clean": {
			more:     "Exit codes: 0 nothing of the gate is left, 2 wrong use, 3 something could not be removed.",
			examples: "sluice gate clean --gateway http://localhost:8080",
		},
		"gate provider": {more: "Exit codes: 0 interrupted, 2 wrong use, 3 it could not listen on ADDR.", examples: "sluice gate provider 127.0.0.1:4995"},
		"keys list":     {more: keysCodes, examples: "sluice keys list --gateway https://gateway.example --state live,blocked"},
		"keys export": {
			more:     keysCodes,
			examples: "sluice keys export --gateway https://gateway.example -o keys.json\nsluice keys export --gateway https://gateway.example --merge keys.json -o keys.json",
		},
		"keys check":    {examples: "sluice keys check --gateway https://gateway.example < candidate.txt"},
		"rules list":    {more: "Exit codes: 0 listed, 2 wrong use or a rule file that is wrong.", examples: "sluice rules list --format jsonl"},
		"rules explain": {more: "Exit codes: 0 explained, 2 wrong use or no such rule.", examples: "sluice rules explain anthropic-api-key"},
		"rules test":    {examples: "sluice rules test rules.toml examples.txt"},
		"config check": {
			more: "A file has flags' names with _ for -, lists as sequences, and serves all commands: each takes what is its own.\n" +
				"The command line wins over the environment, and that over the file.\n\n" +
				"Exit codes: 0 the file is right, 2 it is not; each place is told as FILE:LINE:COLUMN.",
			examples: "sluice config check sluice.yaml",
		},
		"demo":   {more: "Exit codes: 0 shown, 3 something could not be started or written.", examples: "sluice demo"},
		"health": {examples: "sluice health --listen 127.0.0.1:9464"},
	}
}

// addHelp gives each command what helpTexts has for it.
func addHelp(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		addHelp(sub)
	}
	text, ok := helpTexts()[strings.TrimPrefix(strings.TrimPrefix(cmd.CommandPath(), "sluice"), " ")]
	if !ok {
		return
	}
	if text.more != "" {
		cmd.Long = strings.TrimRight(cmp.Or(cmd.Long, cmd.Short+"."), "\n") + "\n\n" + text.more
	}
	cmd.Example = "  " + strings.ReplaceAll(text.examples, "\n", "\n  ")
}
