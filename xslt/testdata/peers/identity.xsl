<?xml version="1.0"?>
<!-- Copies everything and gives a few elements and attributes other names. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output method="xml" indent="no"/>

  <xsl:template match="@*|node()">
    <xsl:copy><xsl:apply-templates select="@*|node()"/></xsl:copy>
  </xsl:template>

  <xsl:template match="user">
    <person><xsl:apply-templates select="@*|node()"/></person>
  </xsl:template>

  <xsl:template match="sn">
    <surname><xsl:apply-templates select="@*|node()"/></surname>
  </xsl:template>

  <xsl:template match="user/@login">
    <xsl:attribute name="account"><xsl:value-of select="."/></xsl:attribute>
  </xsl:template>

  <xsl:template match="quota/@unit"/>
</xsl:stylesheet>
