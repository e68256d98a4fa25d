"""The built book as files: text alternatives, links, leaks of markup, requests to elsewhere."""

import re
from collections.abc import Iterator
from functools import cache
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup, NavigableString, Tag
from html_pages import HTML, each_notebook_page, each_page, needs_book, pages

pytestmark = [pytest.mark.book, needs_book]

ELSEWHERE = re.compile(r"^\s*(https?:)?//")
# What a reader would see of a role, a directive or a fence that was not understood.
RAW_MARKUP = re.compile(
    r"\{[a-z]+(:[a-z]+)*\}`|:::|```|\{(glue|numref|cite|eq|ref|doc|term)\b|\$\$|:(ref|doc|math):`"
)


@cache
def soup(page: str) -> BeautifulSoup:
    return BeautifulSoup((HTML / page).read_text(encoding="utf-8"), "html.parser")


@cache
def anchors(page: str) -> frozenset[str]:
    return frozenset(tag["id"] for tag in soup(page).find_all(id=True))


@each_page
def test_page_has_title_language_and_one_heading(page):
    html = soup(page)
    assert html.title.get_text(strip=True)
    assert html.html.get("lang"), "no language"
    if page != "search.html":  # the theme gives it no article
        assert len(html.select("article h1")) == 1  # outside the article it is repeated for print


def test_titles_differ():
    titles = [soup(page).title.get_text(strip=True) for page in pages()]
    assert len(set(titles)) == len(titles) > 1, titles


@each_page
def test_every_image_has_a_text_alternative(page):
    for image in soup(page).find_all("img"):
        alt = image.get("alt", "").strip()
        assert alt, f"no alt text: {image['src']}"
        is_file_name = re.search(r"\.(png|svg|jpe?g|gif)$|^_images|/", alt)
        assert not is_file_name, f"alt text is a file name: {alt}"


@each_page
def test_every_interactive_figure_has_a_text_alternative(page):
    for figure in soup(page).select(".mirage-vega"):
        assert len(figure["aria-label"]) > 40
        assert figure["aria-label"] in figure.noscript.get_text()


@each_page
def test_internal_links_and_anchors_resolve(page):
    broken = []
    for tag in soup(page).find_all(["a", "link", "img", "script", "source"]):
        target = tag.get("href") or tag.get("src")
        if not target or urlsplit(target).scheme or ELSEWHERE.match(target):
            continue
        address = urlsplit(target)
        path = ((HTML / page).parent / unquote(address.path)) if address.path else HTML / page
        path = (path / "index.html" if path.is_dir() else path).resolve()
        exists = path.is_relative_to(HTML) and path.is_file()
        if exists and address.fragment and path.suffix == ".html":
            exists = unquote(address.fragment) in anchors(str(path.relative_to(HTML)))
        if not exists:
            broken.append(target)
    assert not broken


def test_front_page_leads_into_the_book():
    front = BeautifulSoup((HTML / "index.html").read_text(encoding="utf-8"), "html.parser")
    refresh = front.find("meta", attrs={"http-equiv": re.compile("refresh", re.IGNORECASE)})
    if refresh:  # Jupyter Book redirects where the first page lies in a folder
        assert (HTML / refresh["content"].split("url=")[1]).is_file()
    else:
        assert "index.html" in pages()


@each_page
def test_no_markup_leaks_into_the_text(page):
    article = soup(page).find("article") or soup(page).body
    assert not RAW_MARKUP.search(" ".join(_prose(article)))


def _prose(tag) -> Iterator[str]:
    """The texts in an element, without those of code and of formulas, which MathJax turns into
    formulas in the browser."""
    for child in tag.children:
        if isinstance(child, Tag):
            hidden = child.name in {"pre", "code", "script", "style", "noscript"}
            if not hidden and "math" not in child.get("class", ()):
                yield from _prose(child)
        elif type(child) is NavigableString:  # not a comment
            yield str(child)


@each_page
def test_nothing_comes_from_elsewhere(page):
    html = soup(page)
    wanted = [tag.get("src", "") for tag in html.find_all(["script", "img", "iframe", "source"])]
    wanted += [tag.get("srcset", "") for tag in html.find_all(srcset=True)]
    wanted += [tag.get("href", "") for tag in html.find_all("link") if _is_fetched(tag)]
    assert not [address for address in wanted if ELSEWHERE.match(address)]
    code = [tag.get_text() for tag in html.find_all("script") if not tag.get("src")]
    assert not re.search(r"https?://[^\s\"'`]+\.(m?js|css)\b", "".join(code))


def _is_fetched(link) -> bool:
    """Whether a browser loads this at once, unlike a canonical address or the next page."""
    fetched = {"stylesheet", "preload", "modulepreload", "icon", "preconnect", "dns-prefetch"}
    return bool(fetched & set(link.get("rel", [])))


def test_style_sheets_fetch_nothing_from_elsewhere():
    sheets = list(HTML.rglob("*.css"))
    assert sheets
    fetch = re.compile(r"""(url\(\s*["']?|@import\s+["']?)(https?:)?//""")
    assert not [str(sheet) for sheet in sheets if fetch.search(sheet.read_text(encoding="utf-8"))]


@each_notebook_page
def test_notebook_page_can_be_launched_and_downloaded(page):
    source = page.replace(".html", ".ipynb")
    links = [unquote(tag["href"]) for tag in soup(page).find_all("a", href=True)]
    assert [link for link in links if "mybinder.org" in link and link.endswith(source)]
    download = [link for link in links if link.endswith("_sources/" + source)]
    assert download
    assert ((HTML / page).parent / download[0]).resolve().is_file()


@each_notebook_page
def test_outputs_show_results_only(page):
    outputs = soup(page).select(".cell_output")
    assert outputs
    text = " ".join(tag.get_text(" ") for output in outputs for tag in _without_scripts(output))
    assert not re.search(r"\bnan\b|Traceback|Warning\b|<Figure size|object at 0x", text, re.I)
    assert not soup(page).select(".cell_output .stderr, .cell_output .traceback")


@each_notebook_page
def test_no_sentence_misses_its_number(page):
    """Whatever data the book was built on: a text around numbers that were not found is wrong."""
    told = [*soup(page).select("article p, article li, article figcaption"), *_pictures(page)]
    for tag in told:
        text = tag.get("alt") or tag.get_text(" ")
        words = set(re.split(r"[\s,;:.()\[\]]+", text))
        assert not words & {"nan", "inf", "−inf", "-inf", "–"}, text


def _pictures(page) -> list:
    return soup(page).select("article img[alt]")


def _without_scripts(output) -> list:
    output = BeautifulSoup(str(output), "html.parser")
    for tag in output.find_all("script"):
        tag.decompose()
    return [output]


def test_what_a_browser_opens_has_an_icon():
    """Without one a browser asks the host for /favicon.ico, which is not there."""
    opened = [HTML / page for page in pages()] + sorted(HTML.glob("_static/reports/*.html"))
    for path in [HTML / "index.html", *opened]:
        icon = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").select_one(
            'link[rel~="icon"]'
        )
        assert icon, path
        if not icon["href"].startswith("data:"):
            assert (path.parent / icon["href"]).resolve().is_file(), path


def test_the_address_of_the_book_leads_to_its_first_page():
    html = soup("index.html")
    (link,) = html.select("a")
    assert html.select_one("meta[http-equiv=refresh]")["content"] == f"0; url={link['href']}"
    card = 'meta[property="og:title"]'
    assert html.select_one(card)["content"] == soup(link["href"]).select_one(card)["content"]
