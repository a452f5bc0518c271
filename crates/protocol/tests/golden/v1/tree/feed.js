"use strict";
// Makes a page of feed.xml; on the HTML pages, writes dates as the reader does and puts name
// and picture where only an address is known. Text goes in as text; the body of a post
// passes the list of what a post may hold.
{
const doc = document;
const root = new URL(".", doc.currentScript.src).href;
const SAFE = /^((https?|mailto|ourspace|ethereum|ipfs|ipns|magnet|tox):.|[\w#./-]+$)/i;
const TAGS = /^(a|p|br|em|strong|del|code|pre|blockquote|[uo]l|li|h[3-6]|hr|div|table|thead|tbody|t[rhd]|img|video|audio|details|summary)$/;
const PLAIN = /^(alt|title|width|height|align|start|class|dir|lang|role|aria-label|tabindex|controls|preload|loading)$/;

// A new element, without what is missing.
const h = (tag, attributes, ...children) => {
	const e = doc.createElementNS("http://www.w3.org/1999/xhtml", tag);
	for (const name in attributes) if (attributes[name] != null) e.setAttribute(name, attributes[name]);
	e.append(...children.flat(99).filter((child) => child));
	return e;
};
const link = (url) => (SAFE.test(url) ? url : null);
const a = (url, ...words) => h("a", { href: link(url) }, words);
// A file of this feed: nothing is loaded from elsewhere.
const own = (url) => {
	const whole = url && new URL(url, doc.baseURI).href;
	return whole && whole.startsWith(root) ? whole : null;
};

const copy = (node) => {
	if (node.nodeType !== 1) return node.nodeType === 3 && node.data;
	const tag = node.localName;
	const inner = [...node.childNodes].map(copy);
	if (!TAGS.test(tag)) return inner;
	const to = tag === "a" ? { rel: "nofollow ugc noopener" } : {};
	for (const { name, value } of node.attributes) {
		if (name === "href") to.href = link(value);
		else if (name === "src" || name === "poster") to[name] = own(value);
		else if (PLAIN.test(name)) to[name] = value;
	}
	return h(tag, to, inner);
};
// The body of a post; pictures in a row become a gallery.
const body = (box, html) => {
	if (html) box.replaceChildren(...[copy(new DOMParser().parseFromString(html, "text/html").body)].flat(99).filter((n) => n));
	const picture = (p) => p?.localName === "p" && p.childNodes.length === 1 && p.querySelector(":scope > img");
	for (const first of box.querySelectorAll("p")) {
		if (!first.parentNode || !picture(first)) continue;
		const row = h("div");
		first.before(row);
		for (let p = first, img; (img = picture(p)); p = row.nextElementSibling) {
			img.alt ||= "Picture without a description";
			row.append(h("a", { class: "picture", href: img.src }, img));
			p.remove();
		}
		row.className = "pictures " + (row.children[4] ? "many" : "n" + row.children.length);
	}
	for (const details of box.querySelectorAll("details")) details.className = "warning";
	return box;
};

const article = (item) => {
	const all = (name) => [...item.children].filter((e) => e.nodeName === name);
	const one = (name) => all(name)[0]?.textContent;
	const url = one("link");
	const date = one("pubDate");
	const title = !all("os:untitled")[0] && one("title");
	const text = body(h("div", { class: "text", dir: "auto", lang: one("os:language") }), one("content:encoded"));
	if (all("os:about")[0]) text.querySelector("p").className = "about";
	return h("article", { class: "post" },
		title && h("h2", { dir: "auto" }, a(url, title)),
		h(title ? "p" : "h2", { class: "meta" }, a(url, h("time", { datetime: new Date(date).toJSON() }, date)),
			one("os:edits") && [" (", a(url + "#history", "edited"), ")"]),
		text,
		h("ul", { class: "labels" }, all("category").map((e) => h("li", { dir: "auto" }, "#" + e.textContent))));
};
// feed.xml or an archive of it as a page.
const page = () => {
	const channel = doc.querySelector("channel");
	const find = (name) => channel.querySelector(":scope > " + name);
	const text = (name) => find(name)?.textContent;
	const me = find("identity");
	const items = [...channel.children].filter((e) => e.nodeName === "item");
	const more = (rel, words) => {
		const to = find(`[rel=${rel}]`);
		return to && a(to.getAttribute("href"), words);
	};
	const picture = (kind, url) => h(url ? "img" : "div", { class: kind, src: own(url), alt: url && "" });
	doc.documentElement.replaceWith(h("html", { lang: "en" },
		h("head", {},
			h("title", {}, text("title")),
			h("meta", { name: "viewport", content: "width=device-width" }),
			h("link", { rel: "stylesheet", href: root + "feed.css" })),
		h("body", {}, h("div", { class: "page" },
			h("header", { class: "who" },
				picture("banner", me.getAttribute("banner")),
				h("div", { class: "row" }, picture("face", text("image > url")), h("a", { class: "button", href: root + "index.html#follow" }, "Follow")),
				h("h1", { dir: "auto" }, text("title")),
				h("p", { class: "chips" }, h("code", { class: "chip" }, me.getAttribute("address"))),
				h("p", { class: "bio", dir: "auto" }, text("description"))),
			h("main", {}, items.map(article),
				!items[0] && h("section", { class: "post empty" }, h("h2", {}, "Nothing here yet")),
				h("nav", { class: "pages" }, more("current", "Newest posts"), more("prev-archive", "Older posts"))),
			h("footer", { class: "foot" }, "Give this address to any feed reader.")))));
	return !find("[rel=current]");
};
// Who it is and how to follow, as index.html has it.
const dress = async () => {
	const { body } = new DOMParser().parseFromString(await (await fetch(root + "index.html")).text(), "text/html");
	for (const part of [".who", ".empty", ".follow"]) {
		const whole = body.querySelector(part);
		const bare = doc.querySelector(part);
		if (whole) bare ? bare.replaceWith(whole) : doc.querySelector(".foot").before(whole);
	}
};

const start = async () => {
	const live = doc.documentElement.localName === "rss" && page();
	// A transformation that cannot write markup leaves it as text.
	for (const box of doc.querySelectorAll("[data-body]")) body(box, !box.children[0] && box.textContent);
	for (const time of doc.querySelectorAll("time")) {
		const date = new Date(time.getAttribute("datetime"));
		time.dir = "auto";
		time.textContent = date.toLocaleDateString([], { dateStyle: "long" });
	}
	if (location.protocol === "file:") return;
	if (live) return dress();
	const small = doc.querySelector(".small .p-author");
	if (!small) return;
	const { display_name, avatar } = await (await fetch(root + "profile.json")).json();
	if (display_name) small.querySelector(".p-name").textContent = display_name;
	const src = avatar && own(root + avatar.url);
	if (src) small.querySelector(".face").replaceWith(h("img", { class: "face", src, alt: "" }));
};
if (doc.readyState === "loading") doc.addEventListener("DOMContentLoaded", start);
else start();
}
