<?xml version="1.0"?>
<!-- What procedures do most: records of a request become the objects of a directory. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output method="xml" indent="no"/>
  <xsl:param name="suffix" select="'DC=example,DC=com'"/>
  <xsl:variable name="base" select="concat('OU=Hosting,', $suffix)"/>

  <xsl:template match="/">
    <executeData><xsl:apply-templates select="executeData/data/organisation"/></executeData>
  </xsl:template>

  <xsl:template match="organisation">
    <xsl:variable name="path" select="concat('LDAP://OU=', @name, ',', $base)"/>
    <object class="organizationalUnit" path="{$path}">
      <property name="ou"><xsl:value-of select="@name"/></property>
      <xsl:apply-templates select="domain|address/*"/>
      <xsl:if test="@status != 'active'"><property name="disabled">TRUE</property></xsl:if>
    </object>
    <xsl:apply-templates select="user">
      <xsl:with-param name="path" select="$path"/>
    </xsl:apply-templates>
  </xsl:template>

  <xsl:template match="domain">
    <property name="uPNSuffixes"><xsl:value-of select="."/></property>
  </xsl:template>

  <xsl:template match="address/*">
    <property name="{name()}"><xsl:value-of select="."/></property>
  </xsl:template>

  <xsl:template match="user">
    <xsl:param name="path"/>
    <xsl:variable name="name" select="concat(givenName, ' ', sn)"/>
    <object class="user" path="{substring-before($path, 'OU=')}CN={$name},{substring-after($path, 'LDAP://')}">
      <property name="cn"><xsl:value-of select="$name"/></property>
      <property name="sAMAccountName"><xsl:value-of select="@login"/></property>
      <property name="userPrincipalName"><xsl:value-of select="concat(@login, '@', ../domain)"/></property>
      <xsl:apply-templates select="givenName|sn|mail|phone"/>
      <xsl:apply-templates select="quota"/>
      <property name="userAccountControl">
        <xsl:choose>
          <xsl:when test="@enabled = '1' and @type = 'admin'">66048</xsl:when>
          <xsl:when test="@enabled = '1'">512</xsl:when>
          <xsl:otherwise>514</xsl:otherwise>
        </xsl:choose>
      </property>
    </object>
  </xsl:template>

  <xsl:template match="givenName|sn">
    <property name="{local-name()}"><xsl:value-of select="."/></property>
  </xsl:template>

  <xsl:template match="mail[1]">
    <property name="mail"><xsl:value-of select="."/></property>
  </xsl:template>

  <xsl:template match="mail">
    <property name="proxyAddresses">smtp:<xsl:value-of select="."/></property>
  </xsl:template>

  <xsl:template match="phone">
    <property name="telephoneNumber"><xsl:value-of select="translate(., ' ', '-')"/></property>
  </xsl:template>

  <xsl:template match="quota">
    <property name="mDBStorageQuota">
      <xsl:choose>
        <xsl:when test="@unit = 'GB'"><xsl:value-of select=". * 1024"/></xsl:when>
        <xsl:otherwise><xsl:value-of select="."/></xsl:otherwise>
      </xsl:choose>
    </property>
  </xsl:template>
</xsl:stylesheet>
