"""Kubernetes' own functions of CEL, by what they give."""

import pytest

from localcluster.objects.crd.celrun import RuleFailed, evaluate

EXPRESSIONS = {
    "url('https://example.com:80/a%20b?x=1&x=2').getHost()": "example.com:80",
    "url('https://u@[::1]:80/').getHostname()": "::1",
    "url('https://example.com:80/').getPort()": "80",
    "url('https://example.com/').getPort()": "",
    "url('https://example.com/').getScheme()": "https",
    "url('https://example.com/a%20b').getEscapedPath()": "/a%20b",
    "url('https://example.com/?x=1&x=2').getQuery()['x']": ["1", "2"],
    "isURL('/path')": True,
    "isURL('../path')": False,
    "isURL('https://a:port/')": False,
    "ip('127.0.0.1').family()": 4,
    "ip('::1').isLoopback()": True,
    "ip('2001:DB8::0') == ip('2001:db8::')": True,
    "ip.isCanonical('2001:DB8::')": False,
    "ip('169.254.1.1').isLinkLocalUnicast()": True,
    "ip('224.0.0.1').isLinkLocalMulticast()": True,
    "ip('10.0.0.1').isGlobalUnicast()": True,
    "ip('0.0.0.0').isUnspecified()": True,
    "isIP('::ffff:1.2.3.4')": False,
    "isIP('fe80::1%eth0')": False,
    "cidr('10.0.0.0/8').containsIP('10.1.2.3')": True,
    "cidr('10.0.0.0/8').containsIP(ip('11.0.0.1'))": False,
    "cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')": True,
    "cidr('10.0.0.0/8').containsCIDR(cidr('2001:db8::/64'))": False,
    "cidr('10.1.2.3/8').masked()": "10.0.0.0/8",
    "string(cidr('10.1.2.3/8').ip())": "10.1.2.3",
    "cidr('10.1.2.3/8').prefixLength()": 8,
    "isCIDR('10.0.0.0')": False,
    "isCIDR('10.0.0.0/255.0.0.0')": False,
    "semver('1.2.3-rc.1+b').patch()": 3,
    "semver('1.2.3').isGreaterThan(semver('1.2.3-rc.1'))": True,
    "semver('1.0.0-alpha.2').isLessThan(semver('1.0.0-alpha.10'))": True,
    "semver('1.2.3').compareTo(semver('1.10.0'))": -1,
    "semver('1.2.3+a') == semver('1.2.3+b')": True,
    "semver('v1.2', true).minor()": 2,
    "isSemver('v1.2')": False,
    "isSemver('01.2.3')": False,
    "isSemver('v01.2', true)": True,
    "['a', 'b', 'a'].indexOf('a')": 0,
    "['a', 'b', 'a'].lastIndexOf('a')": 2,
    "[1, 2].indexOf(3)": -1,
    "'abca'.lastIndexOf('a')": 3,
    "quantity('1Gi').add(quantity('512Mi')).compareTo(quantity('1536Mi'))": 0,
    "quantity('50k').add(20) == quantity('50020')": True,
    "quantity('50k').sub(quantity('100k')).sign()": -1,
    "quantity('50k').asInteger()": 50000,
    "format.dns1123Label().validate('my-name').hasValue()": False,
    "format.dns1123Label().validate('My-Name').value().size()": 1,
    "format.dns1035Label().validate('1a').hasValue()": True,
    "format.named('dns1123LabelPrefix').value().validate('name-').hasValue()": False,
    "format.named('unknown').hasValue()": False,
    "format.qualifiedName().validate('a/b').hasValue()": False,
    "format.date().validate('2026-02-30').hasValue()": True,
    "optional.of('a').hasValue() && optional.of([1]).value() == [1]": True,
}


@pytest.mark.parametrize(("expression", "wanted"), EXPRESSIONS.items(), ids=EXPRESSIONS.keys())
def test_functions(expression, wanted):
    found = evaluate(expression, {"self": 1})
    assert (type(found), found) == (type(wanted), wanted)


@pytest.mark.parametrize(
    "expression",
    [
        "url('no url').getHost()",
        "ip('1.2.3').family()",
        "cidr('1.2.3.4').ip()",
        "semver('1.2').major()",
        "semver('" + "1" * 300 + ".0.0').major()",
        "quantity('1500m').asInteger()",
        "format.uuid().validate('7d444840-9dc0-11d1-b245-5ffdce74fad2').value()",
    ],
    ids=lambda text: text[:40],
)
def test_what_has_no_value_fails(expression):
    with pytest.raises(RuleFailed):
        evaluate(expression, {"self": 1})
