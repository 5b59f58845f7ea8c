//go:build ignore

// This program writes countries.tsv, the table of ISO 3166-1 countries with
// their English and Japanese names and orders, from the CLDR. Run it after
//
//	npm pack cldr-localenames-full@48.2.0 && tar xzf cldr-localenames-full-48.2.0.tgz
//
// with the folder of the package in CLDR: CLDR=…/package go generate ./shared/locale
package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// notISO are two-letter codes of the CLDR that ISO 3166-1 does not assign.
const notISO = "AC CP CQ DG EA EU EZ IC QO TA UN XA XB XK ZZ"

// short are the countries we call by the CLDR's short name.
const short = "HK MO PS"

// readings turns the kanji of the Japanese names into kana; longer ones come first.
var readings = []string{
	"領有小離島", "リョウユウショウリトウ", "首長国", "シュチョウコク", "合衆国", "ガッシュウコク", "共和国", "キョウワコク", "北朝鮮", "キタチョウセン",
	"日本", "ニホン", "中国", "チュウゴク", "韓国", "カンコク", "台湾", "タイワン", "香港", "ホンコン", "南極", "ナンキョク", "極南", "キョクナン",
	"米領", "ベイリョウ", "英領", "エイリョウ", "仏領", "フツリョウ", "諸島", "ショトウ", "連邦", "レンポウ", "民主", "ミンシュ", "中央", "チュウオウ",
	"赤道", "セキドウ", "洋", "ヨウ", "地域", "チイキ", "市国", "シコク", "及び", "オヨビ", "東", "ヒガシ", "西", "ニシ", "南", "ミナミ", "北", "キタ",
	"領", "リョウ", "島", "トウ", "国", "コク", "・", "", " ", "",
}

type country struct{ code, en, ja, reading string }

func main() {
	log.SetFlags(0)
	en, ja := territories("en"), territories("ja")
	kana := strings.NewReplacer(readings...)
	var all []country
	for code := range en {
		if !regexp.MustCompile(`^[A-Z]{2}$`).MatchString(code) || strings.Contains(notISO, code) {
			continue
		}
		c := country{code: code, en: name(en, code), ja: name(ja, code)}
		c.reading = kana.Replace(c.ja)
		if rest := regexp.MustCompile(`\p{Han}`).FindString(c.reading); rest != "" {
			log.Fatalf("%s %s: no reading for %s", code, c.ja, rest)
		}
		all = append(all, c)
	}
	write(all)
}

// territories reads one language of the CLDR.
func territories(lang string) map[string]string {
	raw, err := os.ReadFile(filepath.Join(os.Getenv("CLDR"), "main", lang, "territories.json"))
	if err != nil {
		log.Fatal(err)
	}
	var file struct {
		Main map[string]struct {
			LocaleDisplayNames struct{ Territories map[string]string }
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		log.Fatal(err)
	}
	return file.Main[lang].LocaleDisplayNames.Territories
}

func name(from map[string]string, code string) string {
	if s := from[code+"-alt-short"]; s != "" && strings.Contains(short, code) {
		return s
	}
	return from[code]
}

// write puts the lines in Japanese order, Japan first, and notes the English order.
func write(all []country) {
	english := collate.New(language.English)
	slices.SortFunc(all, func(a, b country) int { return english.CompareString(a.en, b.en) })
	place := map[string]int{}
	for i, c := range all {
		place[c.code] = i
	}
	slices.SortFunc(all, func(a, b country) int {
		if a.code == "JP" || b.code == "JP" {
			return cmp.Compare(b2i(b.code == "JP"), b2i(a.code == "JP"))
		}
		return cmp.Or(cmp.Compare(sortKey(a.reading), sortKey(b.reading)), cmp.Compare(a.reading, b.reading))
	})
	var out strings.Builder
	for _, c := range all {
		fmt.Fprintf(&out, "%s\t%d\t%s\t%s\n", c.code, place[c.code], c.en, c.ja)
	}
	if err := os.WriteFile("countries.tsv", []byte(out.String()), 0o644); err != nil {
		log.Fatal(err)
	}
}

// rows are the kana by their vowels, for the long vowel mark.
var rows = map[rune]string{
	'ア': "アカサタナハマヤラワ", 'イ': "イキシチニヒミリ", 'ウ': "ウクスツヌフムユル",
	'エ': "エケセテネヘメレ", 'オ': "オコソトノホモヨロヲ",
}

var small = strings.NewReplacer("ァ", "ア", "ィ", "イ", "ゥ", "ウ", "ェ", "エ", "ォ", "オ", "ッ", "ツ", "ャ", "ヤ", "ュ", "ユ", "ョ", "ヨ", "ヮ", "ワ")

// sortKey orders readings as dictionaries do (JIS X 4061): voiced as unvoiced, small
// as large, and the long vowel mark as the vowel before it.
func sortKey(reading string) string {
	var key []rune
	for _, r := range norm.NFD.String(small.Replace(reading)) {
		switch {
		case r == '\u3099' || r == '\u309a': // voice marks
		case r == 'ー' && len(key) > 0:
			key = append(key, vowel(key[len(key)-1]))
		default:
			key = append(key, r)
		}
	}
	return string(key)
}

func vowel(r rune) rune {
	for v, row := range rows {
		if strings.ContainsRune(row, r) {
			return v
		}
	}
	return r
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
