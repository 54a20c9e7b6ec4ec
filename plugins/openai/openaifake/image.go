package openaifake

import (
	"encoding/base64"
	"strings"
)

// pixel stands for every picture: a PNG of one transparent pixel.
const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

// imageTokens is what the fake counts for each picture.
const imageTokens = 272

type imageRequest struct {
	Model         string `json:"model"`
	Prompt        string `json:"prompt"`
	N             int    `json:"n"`
	Stream        bool   `json:"stream"`
	PartialImages int    `json:"partial_images"`
}

// generations is POST /v1/images/generations.
func (c *call) generations() {
	var req imageRequest
	if c.decode(&req) {
		c.images(req, "image_generation")
	}
}

// edits is POST /v1/images/edits.
func (c *call) edits() {
	form, ok := c.form()
	if !ok {
		return
	}
	if len(form.File["image"])+len(form.File["image[]"]) == 0 {
		c.missing("image")
		return
	}
	c.images(imageRequest{
		Model: value(form, "model"), Prompt: value(form, "prompt"), N: number(form, "n"),
		Stream: value(form, "stream") == "true", PartialImages: number(form, "partial_images"),
	}, "image_edit")
}

func (c *call) images(req imageRequest, kind string) {
	if req.Model == "" {
		req.Model = "gpt-image-1"
	}
	if !c.known(req.Model) {
		return
	}
	if req.Prompt == "" {
		c.missing("prompt")
		return
	}
	n := max(req.N, 1)
	account := c.f.accounting(len(strings.Fields(req.Prompt)), n*imageTokens)
	if req.Stream {
		c.pictures(req, kind, account)
		return
	}
	answer := map[string]any{"created": c.f.cfg.Clock().Unix(), "background": "opaque", "output_format": "png", "quality": "low", "size": "1024x1024"}
	var data []any
	for range n {
		data = append(data, map[string]any{"b64_json": pixel})
	}
	answer["data"] = data
	if !c.fault.NoUsage {
		answer["usage"] = account.imageUsage()
	}
	c.whole(answer)
}

// pictures streams the previews, then the picture.
func (c *call) pictures(req imageRequest, kind string, account Account) {
	c.begin()
	picture := func(more map[string]any) map[string]any {
		p := map[string]any{
			"b64_json": pixel, "created_at": c.f.cfg.Clock().Unix(), "size": "1024x1024", "quality": "low",
			"background": "opaque", "output_format": "png",
		}
		for name, value := range more {
			p[name] = value
		}
		return p
	}
	for i := 0; c.fault.Endless || i < req.PartialImages; i++ {
		if !c.word() || !c.named(kind+".partial_image", picture(map[string]any{"partial_image_index": i})) {
			return
		}
	}
	last := map[string]any{}
	if !c.fault.NoUsage {
		last["usage"] = account.imageUsage()
	}
	if c.word() {
		c.named(kind+".completed", picture(last))
	}
}

func encoded(data []byte) string { return base64.StdEncoding.EncodeToString(data) }
