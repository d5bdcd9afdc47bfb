// Holds dashboards to Grafana's published schema: what it does not know, Grafana would drop without a word.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	plugins.RegisterDefaultPlugins()
	failed := len(os.Args) < 2
	if failed {
		fmt.Fprintln(os.Stderr, "usage: dashboards FILE...")
	}
	for _, file := range os.Args[1:] {
		raw, err := os.ReadFile(file)
		if err == nil {
			err = check(raw)
		}
		if err != nil {
			failed = true
			fmt.Fprintf(os.Stderr, "%s:\n%v\n", file, err)
		}
	}
	if failed {
		os.Exit(1)
	}
}

func check(raw []byte) error {
	var board dashboard.Dashboard
	return errors.Join(
		orNil(board.UnmarshalJSONStrict(raw)),
		orNil(board.Validate()),
		checkPanels(raw),
	)
}

// Of a panel's fieldConfig the SDK's strict reading looks at `custom` alone, and it lets panels of unknown types be.
func checkPanels(raw []byte) error {
	var board struct {
		Panels []struct {
			Title       string
			Type        string
			FieldConfig json.RawMessage
		}
	}
	if err := json.Unmarshal(raw, &board); err != nil {
		return err
	}
	var faults []error
	for _, panel := range board.Panels {
		if panel.Type == "row" {
			continue
		}
		if _, known := cog.ConfigForPanelcfgVariant(panel.Type); !known {
			faults = append(faults, fmt.Errorf("panel %q: there is no type %q", panel.Title, panel.Type))
		}
		var config dashboard.FieldConfigSource
		if err := orNil(config.UnmarshalJSONStrict(panel.FieldConfig)); err != nil {
			faults = append(faults, fmt.Errorf("panel %q, fieldConfig: %w", panel.Title, err))
		}
	}
	return errors.Join(faults...)
}

// The SDK answers with an empty list where it has found nothing.
func orNil(err error) error {
	var faults cog.BuildErrors
	if errors.As(err, &faults) && len(faults) == 0 {
		return nil
	}
	return err
}
