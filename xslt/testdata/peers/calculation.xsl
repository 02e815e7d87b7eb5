<?xml version="1.0"?>
<!-- Adds up orders: keys, sorting, numbers in writing, recursion. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output method="xml" indent="no"/>
  <xsl:key name="customer" match="customer" use="@id"/>
  <xsl:key name="orders" match="order" use="@customer"/>

  <xsl:template match="/shop">
    <report orders="{count(order)}" items="{count(order/item)}">
      <xsl:for-each select="order">
        <xsl:sort select="@date" order="descending"/>
        <xsl:sort select="count(item)" data-type="number"/>
        <xsl:sort select="key('customer', @customer)/name"/>
        <xsl:call-template name="order"/>
      </xsl:for-each>
      <xsl:for-each select="customer">
        <xsl:sort select="name"/>
        <customer name="{name}" orders="{count(key('orders', @id))}"
          turnover="{format-number(sum(key('orders', @id)/item/price), '#,##0.00')}"/>
      </xsl:for-each>
    </report>
  </xsl:template>

  <xsl:template name="order">
    <xsl:variable name="total">
      <xsl:call-template name="total"><xsl:with-param name="items" select="item"/></xsl:call-template>
    </xsl:variable>
    <order id="{@id}" position="{position()}" for="{key('customer', @customer)/name}">
      <total><xsl:value-of select="format-number($total, '#,##0.00')"/></total>
      <financed>
        <xsl:call-template name="interest">
          <xsl:with-param name="amount" select="$total"/>
          <xsl:with-param name="months" select="@months"/>
        </xsl:call-template>
      </financed>
      <xsl:for-each select="item">
        <xsl:sort select="price * quantity" data-type="number" order="descending"/>
        <line item="{@id}" share="{format-number(price * quantity div $total, '0.0%')}"/>
      </xsl:for-each>
    </order>
  </xsl:template>

  <xsl:template name="total">
    <xsl:param name="items"/>
    <xsl:param name="sum" select="0"/>
    <xsl:choose>
      <xsl:when test="$items">
        <xsl:call-template name="total">
          <xsl:with-param name="items" select="$items[position() &gt; 1]"/>
          <xsl:with-param name="sum" select="$sum + $items[1]/price * $items[1]/quantity"/>
        </xsl:call-template>
      </xsl:when>
      <xsl:otherwise><xsl:value-of select="$sum"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="interest">
    <xsl:param name="amount"/>
    <xsl:param name="months"/>
    <xsl:choose>
      <xsl:when test="$months &gt; 0">
        <xsl:call-template name="interest">
          <xsl:with-param name="amount" select="$amount * 1.0043"/>
          <xsl:with-param name="months" select="$months - 1"/>
        </xsl:call-template>
      </xsl:when>
      <xsl:otherwise><xsl:value-of select="format-number($amount, '#,##0.00')"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>
</xsl:stylesheet>
