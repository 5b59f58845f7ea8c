package accounts

import "strings"

// freeMail are domains at which anybody gets an address. For them the sign-up page
// recommends a business address (S-026).
var freeMail = set(`
	gmail.com googlemail.com yahoo.com yahoo.co.jp ymail.com ymail.ne.jp rocketmail.com outlook.com outlook.jp
	hotmail.com hotmail.co.jp live.com live.jp msn.com icloud.com me.com mac.com aol.com aol.jp
	proton.me protonmail.com pm.me gmx.com gmx.de gmx.net web.de mail.com zoho.com yandex.com yandex.ru
	mail.ru qq.com 163.com 126.com sina.com naver.com daum.net hanmail.net
	docomo.ne.jp ezweb.ne.jp au.com softbank.ne.jp i.softbank.jp ymobile.ne.jp uqmobile.jp rakuten.jp
	nifty.com biglobe.ne.jp so-net.ne.jp ocn.ne.jp goo.jp excite.co.jp
	orange.fr wanadoo.fr free.fr laposte.net t-online.de libero.it tutanota.com fastmail.com hey.com`)

// FreeMail tells whether the address is at a domain where anybody gets one. The page
// warns and does not refuse.
func FreeMail(email string) bool {
	_, domain, _ := strings.Cut(strings.ToLower(strings.TrimSpace(email)), "@")
	return freeMail[domain]
}

func set(words string) map[string]bool {
	all := map[string]bool{}
	for _, w := range strings.Fields(words) {
		all[w] = true
	}
	return all
}
