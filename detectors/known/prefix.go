package known

import "bytes"

// publicPrefixes are what many secrets of a kind begin with: they say who issued
// it and nothing more, so they do not count as a part of it. A longer one comes
// before the one it begins with.
var publicPrefixes = [...]string{
	"sk-ant-api03-", "sk-ant-admin01-", "sk-ant-oat01-", "sk-ant-", "sk-proj-", "sk-svcacct-", "sk-admin-",
	"sk-or-v1-", "sk-litellm-", "sk-lf-", "pk-lf-", "sk-salt-", "sk-custom-", "sk-",
	"sk_live_", "sk_test_", "rk_live_", "pk_live_", "whsec_",
	"gsk_", "hf_", "xai-", "AIza", "ya29.", "GOCSPX-", "AKIA", "ASIA", "pplx-", "nvapi-", "r8_", "fw_", "tgp_v1_", "dapi", "tok_",
	"github_pat_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "glpat-", "npm_", "pypi-", "dckr_pat_", "dop_v1_",
	"xoxb-", "xoxp-", "xoxa-", "xapp-", "SG.", "lsv2_pt_", "lsv2_sk_", "hvs.", "eyJ", "Bearer ", "Basic ",
	"postgresql://", "postgres://", "mysql://", "mongodb+srv://", "mongodb://", "redis://", "rediss://", "amqp://", "amqps://", "https://", "http://",
}

// PublicPrefix is how many bytes of a secret say only what kind it is. A JSON
// Web Token is public but for its signature: many carry the same claims.
func PublicPrefix(secret []byte) int {
	if bytes.HasPrefix(secret, []byte("eyJ")) && bytes.Count(secret, []byte(".")) == 2 {
		return bytes.LastIndexByte(secret, '.') + 1
	}
	for _, p := range publicPrefixes {
		if len(secret) >= len(p) && secret[0] == p[0] && string(secret[:len(p)]) == p {
			return len(p)
		}
	}
	return 0
}
