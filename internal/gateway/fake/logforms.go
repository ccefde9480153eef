package fake

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// banner prints what a replica prints at its start: lines that are no records,
// and in 1.81.0's debug mode the whole configuration.
func (l *logger) banner(url string) {
	l.stderr.write(fmt.Sprintf("INFO:     Started server process [%d]\nINFO:     Waiting for application startup.\n", l.process))
	models := "\x1b[32mLiteLLM: Proxy initialized with Config, Set models:\x1b[0m\n"
	for _, m := range l.opts.Models {
		models += "\x1b[32m    " + m.Name + "\x1b[0m\n"
	}
	l.stdout.write("\n\x1b[1;37m#------------------------------------------------------------#\x1b[0m\n\n Thank you for using LiteLLM! - Krrish & Ishaan\n\n" + models)
	l.debug("proxy_server.py:2827", "_alerting_callbacks: "+python(object{"master_key": l.opts.MasterKey, "database_url": l.opts.DatabaseURL}))
	l.stderr.write("INFO:     Application startup complete.\nINFO:     Uvicorn running on " + url + " (Press CTRL+C to quit)\n")
}

// refused prints a failed authentication with its traceback.
func (l *logger) refused(r *http.Request, no *refusal, who caller) {
	place, line := "auth_exception_handler.py:78", 633
	if l.version == V1_106 {
		place, line = "auth_exception_handler.py:197", 1964
	}
	text := strings.TrimPrefix(no.message, "Authentication Error, ")
	raised := fmt.Sprintf("raise Exception(%q)\nException: %s", text, text)
	if no.kind != "auth_error" { // a ProxyException, which has no text of its own
		text, raised = "", "raise ProxyException(\nlitellm.proxy._types.ProxyException"
	}
	l.say("ERROR", place, "litellm.proxy.proxy_server.user_api_key_auth(): Exception occured - "+text+"\nRequester IP Address:127.0.0.1",
		"Traceback (most recent call last):\n  File \"/app/litellm/proxy/auth/user_api_key_auth.py\", line "+strconv.Itoa(line)+
			", in _user_api_key_auth_builder\n    "+raised)
}

// failed prints what a handler refused.
func (l *logger) failed(r *http.Request, no *refusal) {
	place := "common_request_processing.py:912"
	if l.version == V1_106 {
		place = "common_request_processing.py:1687"
	}
	what, name := "_handle_llm_api_exception", "litellm.exceptions.APIError"
	if !strings.HasSuffix(r.URL.Path, "/completions") {
		place, what, name = "key_management_endpoints.py:1105", strings.Trim(strings.ReplaceAll(r.URL.Path, "/", "_"), "_")+"_fn", "fastapi.exceptions.HTTPException"
	}
	l.say("ERROR", place, "litellm.proxy.proxy_server."+what+"(): Exception occured - "+no.message,
		"Traceback (most recent call last):\n  File \"/app/litellm/proxy/proxy_server.py\", line 5247, in "+what+
			"\n    result = await handler(request)\n             ^^^^^^^^^^^^^^^^^^^^^^\n"+name+": "+no.message)
}

// request prints the headers and the body in debug mode: 1.81.0 with the key.
func (l *logger) request(r *http.Request, body []byte) {
	if l.mode != LogDebug {
		return
	}
	headers := []string{fmt.Sprintf("'host': '%s'", r.Host)}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		headers = append(headers, fmt.Sprintf("'%s': %s", strings.ToLower(name), python(r.Header.Get(name))))
	}
	l.debug("litellm_pre_call_utils.py:890", "Request Headers: Headers({"+strings.Join(headers, ", ")+"})")
	var data any
	if len(body) > 0 && json.Unmarshal(body, &data) == nil {
		l.debug("litellm_pre_call_utils.py:896", "receiving data: "+python(data))
	}
}

// made prints a key at its creation in debug mode: 1.81.0 whole.
func (l *logger) made(k *Key, key string) {
	l.debug("key_management_endpoints.py:2283", "prisma_client: Creating Key= "+python(object{
		"token": key, "key_alias": textOrNull(k.Alias), "user_id": textOrNull(k.UserID), "team_id": textOrNull(k.TeamID), "key_name": k.Name,
	}))
}

// python is repr() of a value that came from JSON, dicts in alphabetical order.
func python(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return map[bool]string{true: "True", false: "False"}[v]
	case string:
		return pythonString(v)
	case object:
		return python(map[string]any(v))
	case map[string]any:
		items := make([]string, 0, len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			items = append(items, pythonString(name)+": "+python(v[name]))
		}
		return "{" + strings.Join(items, ", ") + "}"
	case []any:
		items := make([]string, len(v))
		for i := range v {
			items[i] = python(v[i])
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	return fmt.Sprint(v)
}

// pythonString quotes as Python does: double quotes only if there are single
// ones and no double ones inside.
func pythonString(s string) string {
	quote := "'"
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = `"`
	}
	return quote + strings.NewReplacer(`\`, `\\`, quote, `\`+quote, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s) + quote
}
