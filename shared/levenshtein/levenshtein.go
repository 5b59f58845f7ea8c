// Package levenshtein measures how much two names differ, to find what somebody meant.
package levenshtein

// Distance counts the bytes to change, add or remove between a and b. It costs
// len(a)·len(b) steps: cut what strangers sent.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := corner
			if a[i] != b[j] {
				cost++
			}
			corner = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
