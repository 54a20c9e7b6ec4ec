package price

import "fmt"

// Carried looks prices up in the catalog that the gateway carries, where there
// is no store: as [Table.Rate] does, without anything of the owner's.
func Carried() (func(resource, model string) (Rate, bool), error) {
	c, err := readCatalog(carried)
	if err != nil {
		return nil, fmt.Errorf("reading the carried prices: %w", err)
	}
	v := &view{catalog: c}
	return v.rate, nil
}
