package plugins

import "testing"

func TestSpellsOutputCap(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ base, says, want string }{
		{"https://api.openai.com/v1", "", OutputCapEither},
		{"https://eu.api.openai.com/v1", "", OutputCapEither},
		{"https://mine.openai.azure.com/openai/v1", "", OutputCapEither},
		{"https://evilapi.openai.com.example.org/v1", "", OutputCapBoth},
		{"https://notopenai.azure.com/v1", "", OutputCapBoth},
		{"https://llm.example.org/v1", "", OutputCapBoth},
		{"https://llm.example.org/v1", OutputCapOld, OutputCapOld},
		{"https://api.openai.com/v1", OutputCapNew, OutputCapNew},
	} {
		if got := (Manifest{BaseURL: row.base, OutputCap: row.says}).SpellsOutputCap(); got != row.want {
			t.Errorf("%s, which says %q, is told by %s, want %s", row.base, row.says, got, row.want)
		}
	}
}
