<?xml version="1.0" encoding="utf-8"?>
<!-- Makes a page of feed.xml: xsltproc feed.xsl feed.xml > page.html -->
<xsl:stylesheet version="1.0"
    xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
    xmlns:atom="http://www.w3.org/2005/Atom"
    xmlns:content="http://purl.org/rss/1.0/modules/content/"
    xmlns:os="urn:ourspace:feed:1"
    exclude-result-prefixes="atom content os">
  <xsl:output method="html" encoding="utf-8" doctype-system="about:legacy-compat" indent="no"/>

  <!-- From the file to the root of the tree, as the script's address says. -->
  <xsl:variable name="root" select="substring-before(/rss/channel/os:page/*/@src, 'feed.js')"/>

  <xsl:template match="/rss">
    <xsl:apply-templates select="channel"/>
  </xsl:template>

  <xsl:template match="channel">
    <html lang="en">
      <head>
        <meta name="viewport" content="width=device-width"/>
        <title><xsl:value-of select="title"/></title>
        <link rel="stylesheet" href="{$root}feed.css"/>
        <script defer="defer" src="{$root}feed.js"></script>
      </head>
      <body>
        <div class="page">
          <header class="who">
            <xsl:choose>
              <xsl:when test="os:identity/@banner"><img class="banner" src="{os:identity/@banner}" alt=""/></xsl:when>
              <xsl:otherwise><div class="banner"></div></xsl:otherwise>
            </xsl:choose>
            <div class="row">
              <xsl:choose>
                <xsl:when test="image/url"><img class="face" src="{image/url}" alt=""/></xsl:when>
                <xsl:otherwise><span class="face"></span></xsl:otherwise>
              </xsl:choose>
              <a class="button" href="{$root}index.html#follow">Follow</a>
            </div>
            <h1 dir="auto"><xsl:value-of select="title"/></h1>
            <p class="chips"><code class="chip"><xsl:value-of select="os:identity/@address"/></code></p>
            <p class="bio" dir="auto"><xsl:value-of select="description"/></p>
          </header>
          <main>
            <xsl:apply-templates select="item"/>
            <xsl:if test="not(item)"><section class="post empty"><h2>Nothing here yet</h2></section></xsl:if>
            <nav class="pages">
              <xsl:for-each select="atom:link[@rel='current']"><a href="{@href}">Newest posts</a></xsl:for-each>
              <xsl:for-each select="atom:link[@rel='prev-archive']"><a href="{@href}">Older posts</a></xsl:for-each>
            </nav>
          </main>
          <footer class="foot">
            <p>Give this address to any feed reader.</p>
          </footer>
        </div>
      </body>
    </html>
  </xsl:template>

  <xsl:template match="item">
    <article class="post">
      <xsl:choose>
        <xsl:when test="title and not(os:untitled)">
          <h2 dir="auto"><a href="{link}"><xsl:value-of select="title"/></a></h2>
          <p class="meta"><xsl:call-template name="when"/></p>
        </xsl:when>
        <xsl:otherwise>
          <h2 class="meta"><xsl:call-template name="when"/></h2>
        </xsl:otherwise>
      </xsl:choose>
      <div class="text" dir="auto" data-body="">
        <xsl:if test="os:language">
          <xsl:attribute name="lang"><xsl:value-of select="os:language"/></xsl:attribute>
        </xsl:if>
        <xsl:value-of select="content:encoded" disable-output-escaping="yes"/>
      </div>
      <xsl:if test="category">
        <ul class="labels">
          <xsl:for-each select="category"><li dir="auto">#<xsl:value-of select="."/></li></xsl:for-each>
        </ul>
      </xsl:if>
    </article>
  </xsl:template>

  <!-- "Tue, 24 Nov 2026 05:00:00 +0000" without its ends: the day is enough. -->
  <xsl:template name="when">
    <a href="{link}"><xsl:value-of select="substring(pubDate, 6, 11)"/></a>
    <xsl:if test="os:edits">
      <a class="edited" href="{link}#history">edited</a>
    </xsl:if>
  </xsl:template>
</xsl:stylesheet>
