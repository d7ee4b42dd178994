// Renders charts/baseload as `helm template` does, with Helm's own engine (Go's text/template) and functions (sprig),
// for machines on which Helm cannot be had. It knows what this chart uses of Helm and no more: values from one file over
// the chart's, .Chart, .Release, .Files, and the functions include, required, fail, toYaml and fromYaml.
//
// usage: render CHART VALUES    (prints a JSON object: the text of each template, by its name)
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

type files map[string][]byte

func (f files) Get(path string) string { return string(f[path]) }

func (f files) Glob(pattern string) files {
	found := files{}
	for path, content := range f {
		if matched, _ := filepath.Match(pattern, path); matched {
			found[path] = content
		}
	}
	return found
}

func (f files) AsConfig() string {
	config := map[string]string{}
	for path, content := range f {
		config[filepath.Base(path)] = string(content)
	}
	return strings.TrimSuffix(string(must(yaml.Marshal(config))), "\n")
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func read(path string) map[string]interface{} {
	values := map[string]interface{}{}
	must(0, yaml.Unmarshal(must(os.ReadFile(path)), &values))
	return values
}

// Lays one tree of values over another.
func merge(below, above map[string]interface{}) map[string]interface{} {
	for key, value := range above {
		deeper, isMap := value.(map[string]interface{})
		if base, wasMap := below[key].(map[string]interface{}); isMap && wasMap {
			value = merge(base, deeper)
		}
		below[key] = value
	}
	return below
}

func main() {
	chart, values := os.Args[1], merge(read(filepath.Join(os.Args[1], "values.yaml")), read(os.Args[2]))
	about := read(filepath.Join(chart, "Chart.yaml"))
	inside := files{}
	for _, pattern := range []string{"rules/*", "dashboards/*"} {
		for _, path := range must(filepath.Glob(filepath.Join(chart, pattern))) {
			inside[must(filepath.Rel(chart, path))] = must(os.ReadFile(path))
		}
	}
	engine := template.New("chart").Option("missingkey=zero")
	functions := sprig.TxtFuncMap()
	functions["include"] = func(name string, data interface{}) (string, error) {
		var text bytes.Buffer
		err := engine.ExecuteTemplate(&text, name, data)
		return text.String(), err
	}
	functions["required"] = func(message string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return nil, errors.New(message)
		}
		return value, nil
	}
	functions["toYaml"] = func(value interface{}) string {
		return strings.TrimSuffix(string(must(yaml.Marshal(value))), "\n")
	}
	functions["fromYaml"] = func(text string) map[string]interface{} {
		value := map[string]interface{}{}
		must(0, yaml.Unmarshal([]byte(text), &value))
		return value
	}
	engine.Funcs(functions)

	paths := must(filepath.Glob(filepath.Join(chart, "templates", "*")))
	sort.Strings(paths)
	for _, path := range paths {
		must(engine.New(filepath.Base(path)).Parse(string(must(os.ReadFile(path)))))
	}
	data := map[string]interface{}{
		"Values":  values,
		"Files":   inside,
		"Chart":   map[string]interface{}{"Name": about["name"], "Version": about["version"], "AppVersion": about["appVersion"]},
		"Release": map[string]interface{}{"Name": "floors", "Namespace": "tools", "Service": "Helm"},
	}
	rendered := map[string]string{}
	for _, path := range paths {
		name := filepath.Base(path)
		if strings.HasPrefix(name, "_") {
			continue
		}
		var text bytes.Buffer
		must(0, engine.ExecuteTemplate(&text, name, data))
		rendered[name] = text.String()
	}
	fmt.Println(string(must(json.Marshal(rendered))))
}
