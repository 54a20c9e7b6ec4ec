package audit

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"
)

// A line reads back as it was given, whichever members it has: one that is
// added to Event and not to appendLine is found here.
func TestLinesReadBack(t *testing.T) {
	t.Parallel()
	all := line{Prev: "before"}
	fill(t, reflect.ValueOf(&all.Event).Elem())
	rows := []line{{}, {Event: Event{Kind: RequestEnded, Usage: &Usage{}}}, all}
	for _, text := range []string{`"quoted" \ and <b>&`, "größer 😀"} {
		row := all
		row.AppName, row.Model, row.Detail = text, text, text
		rows = append(rows, row)
	}
	for _, row := range rows {
		raw, err := appendLine([]byte("kept"), &row.Event, []byte(row.Prev))
		if err != nil {
			t.Fatal(err)
		}
		var got line
		if err := json.Unmarshal(raw[len("kept"):], &got); err != nil || !reflect.DeepEqual(got, row) {
			t.Errorf("%s\nreads back as %+v (%v)\nwant %+v", raw, got, err, row)
		}
		var names, want map[string]any
		reference, err := json.Marshal(row)
		if err == nil {
			err = json.Unmarshal(reference, &want)
		}
		if err == nil {
			err = json.Unmarshal(raw[len("kept"):], &names)
		}
		if err != nil || !reflect.DeepEqual(names, want) {
			t.Errorf("members are %v, want %v (%v)", names, want, err)
		}
	}
}

// fill gives every member a value of its own.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case f.Type() == reflect.TypeFor[time.Time]():
			f.Set(reflect.ValueOf(testTime.Add(123456 * time.Microsecond)))
		case f.Kind() == reflect.String:
			f.SetString(v.Type().Field(i).Name)
		case f.Kind() == reflect.Int, f.Kind() == reflect.Int64:
			f.SetInt(int64(1000 + i))
		case f.Kind() == reflect.Bool:
			f.SetBool(true)
		case f.Kind() == reflect.Pointer:
			f.Set(reflect.New(f.Type().Elem()))
			fill(t, f.Elem())
		default:
			t.Fatalf("a line has a member of type %v: appendLine and this test do not know how to write it", f.Type())
		}
	}
}

// BenchmarkAppend is what one line costs, from one goroutine and from many.
func BenchmarkAppend(b *testing.B) {
	l, err := New(Config{Dir: b.TempDir(), Key: testKey})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	e := Event{
		Kind: RequestEnded, Actor: App, RequestID: "req_aaaaaaaaaaaaaaaaaaaaaaaaaa", AppID: "app_aaaaaaaaaaaaaaaaaaaaaaaaaa",
		AppName: "Notes", SessionID: "ses_aaaaaaaaaaaaaaaaaaaaaaaaaa", PermissionID: "per_aaaaaaaaaaaaaaaaaaaaaaaaaa",
		Resource: "llm:openai", Action: "chat.completions", Model: "gpt-4o-mini", Status: 200, Usage: &Usage{InputTokens: 24, OutputTokens: 12},
		Address: "127.0.0.1",
	}
	for _, goroutines := range []int{1, 16} {
		b.Run(fmt.Sprint(goroutines, " at a time"), func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(goroutines)
			if goroutines > 1 {
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := l.Append(e); err != nil {
							b.Error(err)
						}
					}
				})
				return
			}
			for b.Loop() {
				if err := l.Append(e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
