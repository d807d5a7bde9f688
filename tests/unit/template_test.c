#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libjob/template.h"

static const char names_json[] =
	"{\"s\": \"Hello World\", \"n\": 7, \"f\": 2.5, \"neg\": -3, \"yes\": true, \"nothing\": null, \"empty\": [], \"uni\": "
	"\"h\xc3\xa9llo\","
	" \"list\": [3, 1, 2], \"words\": [\"b\", \"A\", \"c\", \"a\"], \"d\": {\"x\": 1, \"y\": {\"z\": \"deep\"}, \"Key\": [1, 2]},"
	" \"people\": [{\"name\": \"Bob\", \"age\": 30, \"on\": true}, {\"name\": \"al\", \"age\": 25, \"on\": false},"
	" {\"name\": \"Cy\", \"age\": 30, \"on\": true}], \"csv\": \"a,b,,c\", \"tags\": [\"cpu:arch:x86_64\", \"mem:2GiB\"]}";

/* What Jinja2 3.1 makes of it, with undefined names that chain: the_table_is_true_of_jinja2 asks it, where it is installed. */
static const struct {
	const char *template, *text;
} rows[] = {
	/* text and white space */
	{"", ""},
	{"plain\n", "plain"},
	{"plain\n\n", "plain\n"},
	{"a\r\nb\rc", "a\nb\nc"},
	{"a {# comment {{ n }} #} b", "a  b"},
	{"a  {#- c -#}  b", "ab"},
	{"a {{- n -}} b", "a7b"},
	{"a\n{%- if yes %}\nx\n{%- endif %}\nb", "a\nx\nb"},
	{"{% raw %}{{ n }} {% if %}{% endraw %}", "{{ n }} {% if %}"},
	{"a {%- raw -%} {{ n }} {%- endraw -%} b", "a{{ n }}b"},
	{"{ {x} }} %} #} {", "{ {x} }} %} #} {"},
	{"{{ '{{ n }}' }}", "{{ n }}"},
	{"{{ {'a': {'b': 1}}['a']['b'] }}", "1"},
	/* values */
	{"{{ s }}|{{ n }}|{{ f }}|{{ yes }}|{{ nothing }}|{{ list }}|{{ uni }}", "Hello World|7|2.5|True|None|[3, 1, 2]|h\xc3\xa9llo"},
	{"{{ d }}", "{'x': 1, 'y': {'z': 'deep'}, 'Key': [1, 2]}"},
	{"{{ [1, 'it\\'s', \"q\", none, true, 1.0, 1e20, 0.1] }}", "[1, \"it's\", 'q', None, True, 1.0, 1e+20, 0.1]"},
	{"{{ ['\\n\\t\\\\', '\\x41\\u00e9'] }}", "['\\n\\t\\\\', 'A\xc3\xa9']"},
	{"{{ 0x1f }} {{ 1_000 }} {{ 0b101 }} {{ 0o17 }} {{ 1.5e3 }} {{ 2e-2 }}", "31 1000 5 15 1500.0 0.02"},
	{"{{ 'a' 'b' }}", "ab"},
	{"{{ true }} {{ True }} {{ none }} {{ None }} {{ False }}", "True True None None False"},
	{"{{ {} }} {{ [] }} {{ {'a': 1, 2: [3]} }}", "{} [] {'a': 1, 2: [3]}"},
	/* undefined renders empty and chains */
	{"[{{ no }}{{ no.such.thing }}{{ no['a'].b[1] }}{{ d.no.no }}{{ s.no }}]", "[]"},
	{"{{ no is defined }} {{ d.x is defined }} {{ no.a is undefined }}", "False True True"},
	{"{% for x in no %}x{% else %}none{% endfor %}", "none"},
	{"{{ no | default('d') }} {{ nothing | default('d') }} {{ nothing | default('d', true) }} {{ '' | d('e', boolean=true) }}",
	 "d None d e"},
	{"{{ no | length }} {{ no | list }} {{ no | join(',') }} {{ no | upper }}|", "0 []  |"},
	{"{{ 'a' in no }} {{ no == no }} {{ no ~ 'x' }}", "False True x"},
	{"{{ no or 'y' }} {{ (no and 'y') is defined }}", "y False"},
	/* attributes, subscripts, slices */
	{"{{ d.y.z }} {{ d['y']['z'] }} {{ list[0] }} {{ list.1 }} {{ list[-1] }} {{ list[9] }}", "deep deep 3 1 2 "},
	{"{{ list[1:] }} {{ list[:-1] }} {{ list[::-1] }} {{ s[0:5] }} {{ s[::-1] }} {{ uni[1] }}",
	 "[1, 2] [3, 1] [2, 1, 3] Hello dlroW olleH \xc3\xa9"},
	{"{{ list[5:] }} {{ list[-100:2] }} {{ list[2:0:-1] }} {{ s[-5:] }} {{ s[-1:-20:-4] }}", "[] [3, 1] [2, 1] World dWl"},
	/* operators */
	{"{{ 1 + 2 * 3 }} {{ (1 + 2) * 3 }} {{ 7 / 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 2 ** 10 }} {{ 2 ** -1 }}",
	 "7 9 3.5 3 -4 2 1024 0.5"},
	{"{{ 2 ** 3 ** 2 }} {{ -2 ** 2 }} {{ 1 - 2 - 3 }} {{ 7.5 // 2 }} {{ -7.5 % 2 }}", "64 4 -4 3.0 0.5"},
	{"{{ 'a' ~ 1 ~ none ~ 2.0 }} {{ 'ab' * 3 }} {{ [1] + [2] }} {{ [0] * 3 }}", "a1None2.0 ababab [1, 2] [0, 0, 0]"},
	{"{{ 1 == 1.0 }} {{ 'a' == 'a' }} {{ [1, 2] == [1, 2] }} {{ {'a': 1} == {'a': 1} }} {{ 1 != 2 }} {{ 'a' == 1 }}",
	 "True True True True True False"},
	{"{{ 1 < 2 }} {{ 2 <= 1 }} {{ 'a' < 'b' }} {{ [1, 2] < [1, 3] }} {{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }}",
	 "True False True True True False"},
	{"{{ 'W' in s }} {{ 3 in list }} {{ 'x' in d }} {{ 9 not in list }} {{ not 9 in list }}", "True True True True True"},
	{"{{ 0 or 'x' }} {{ 1 and 'y' }} {{ not 0 }} {{ not not 1 }} {{ '' or [] or 0 }}", "x y True True 0"},
	{"{{ 'a' if yes else 'b' }} {{ 'a' if not yes else 'b' }} [{{ 'a' if not yes }}]", "a b []"},
	{"{{ 1 if no else 2 if yes else 3 }}", "2"},
	{"{{ '%s is %d and %.2f' % ('x', 5, 1.5) }} {{ '%05d' % 42 }} {{ '%x' % 255 }} {{ '%%' % () }}", "x is 5 and 1.50 00042 ff %"},
	{"{{ true + 1 }} {{ -n }} {{ +n }} {{ - - n }}", "2 -7 7 7"},
	/* statements */
	{"{% if n > 5 %}big{% elif n > 3 %}mid{% else %}small{% endif %}", "big"},
	{"{% if n > 50 %}big{% elif n > 3 %}mid{% else %}small{% endif %}", "mid"},
	{"{% if no %}big{% else %}small{% endif %}", "small"},
	{"{% for i in list %}{{ loop.index }}:{{ i }}{{ ', ' if not loop.last }}{% endfor %}", "1:3, 2:1, 3:2"},
	{"{% for i in list %}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.length }};{% endfor %}",
	 "032True3;121False3;210False3;"},
	{"{% for i in list %}{{ loop.previtem }}<{{ i }}>{{ loop.nextitem }} {{ loop.cycle('a', 'b') }} {% endfor %}",
	 "<3>1 a 3<1>2 b 1<2> a "},
	{"{% for i in [1, 1, 2] %}{{ loop.changed(i) }} {% endfor %}", "True False True "},
	{"{% for a in [1, 2] %}{% for b in [1] %}{{ loop.depth }}{{ loop.depth0 }}{% endfor %}{{ loop.depth }} {% endfor %}", "101 101 "},
	{"{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "x=1;y={'z': 'deep'};Key=[1, 2];"},
	{"{% for k in d %}{{ k }}{% endfor %} {% for c in uni %}{{ c }}.{% endfor %}", "xyKey h.\xc3\xa9.l.l.o."},
	{"{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}", "123"},
	{"{% for i in list if i > 1 %}{{ i }}{{ loop.length }}{% else %}no{% endfor %}", "3222"},
	{"{% for i in list if i > 9 %}{{ i }}{% else %}no{% endfor %}", "no"},
	{"{% for i in 1, 2 %}{{ i }}{% endfor %}", "12"},
	{"{% set x = 1 %}{{ x }}{% set a, b = 2, 3 %}{{ a }}{{ b }}{% set t = 1, %}{{ t | length }}", "1231"},
	{"{% set x = 1 %}{% for i in [1] %}{% set x = 2 %}{{ x }}{% endfor %}{{ x }}", "21"},
	{"{% if yes %}{% set x = 5 %}{% endif %}{{ x }}", "5"},
	{"{% set ns = namespace(x=0) %}{% for i in list %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}", "6"},
	{"{% set x %}a{{ n }}b{% endset %}{{ x }}{% set y | upper | trim %} c {% endset %}[{{ y }}]", "a7b[C]"},
	{"{% with a = 1, b = n %}{{ a }}{{ b }}{% endwith %}[{{ a }}]", "17[]"},
	{"{% set a = 1 %}{% with a = 2, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}", "211"},
	{"{% filter upper | replace('A', 'x') %}abc{{ n }}{% endfilter %}", "xBC7"},
	{"{% for i in range(3) %}{{ i }}{% endfor %} {{ range(2, 5) | list }} {{ range(5, 0, -2) | list }} {{ range(0) | list }}",
	 "012 [2, 3, 4] [5, 3, 1] []"},
	{"{{ dict(a=1, b='x') }} {{ dict(d, x=2).x }}", "{'a': 1, 'b': 'x'} 2"},
	/* filters */
	{"{{ s | upper }} {{ s | lower }} {{ 'ab cd' | title }} {{ 'aB c' | capitalize }}", "HELLO WORLD hello world Ab Cd Ab c"},
	{"{{ 'a-b c(d' | title }} {{ \"it's\" | title }}", "A-B C(D It's"},
	{"{{ s | replace('o', '0') }} {{ s | replace('o', '0', 1) }} {{ 5 | replace(5, 6) }}", "Hell0 W0rld Hell0 World 6"},
	{"{{ '42' | int }} {{ 'x' | int }} {{ 'x' | int(5) }} {{ '3.9' | int }} {{ 3.9 | int }} {{ 'ff' | int(0, 16) }} {{ '0x1f' | int(0, "
	 "16) }}",
	 "42 0 5 3 3 255 31"},
	{"{{ ' 7 ' | int }} {{ '0x10' | int }} {{ true | int }} {{ none | int }}", "7 0 1 0"},
	{"{{ '2.50' | float }} {{ 'x' | float }} {{ 'x' | float(1.5) }} {{ 3 | float }} {{ '0x10' | float }} {{ ' 1e2 ' | float }}",
	 "2.5 0.0 1.5 3.0 0.0 100.0"},
	{"{{ s | length }} {{ list | count }} {{ uni | length }} {{ d | length }}", "11 3 5 3"},
	{"[{{ '  a b ' | trim }}] [{{ 'xxaxx' | trim('x') }}]", "[a b] [a]"},
	{"{{ d | tojson }}", "{\"Key\": [1, 2], \"x\": 1, \"y\": {\"z\": \"deep\"}}"},
	{"{{ \"<a> & 'b' \\\"q\\\"\\n\" | tojson }}", "\"\\u003ca\\u003e \\u0026 \\u0027b\\u0027 \\\"q\\\"\\n\""},
	{"{{ \"\x1b[1m \\\\\" | tojson }}", "\"\\u001b[1m \\\\\""},
	{"{{ [1, 1.5, true, none, 'a'] | tojson }} {{ [] | tojson }} {{ {} | tojson }}", "[1, 1.5, true, null, \"a\"] [] {}"},
	{"{{ {'a': [1, 2], 'b': {}} | tojson(2) }}", "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}"},
	{"{{ -5 | abs }} {{ neg | abs }} {{ -1.5 | abs }}", "5 3 1.5"},
	{"{{ 2.5 | round }} {{ 3.14159 | round(2) }} {{ 2.1 | round(method='ceil') }} {{ 2.9 | round(0, 'floor') }} {{ 7 | round }}",
	 "2.0 3.14 3.0 2.0 7"},
	{"{{ 1250 | round(-2) }} {{ 2.675 | round(2) }} {{ 0.125 | round(2) }}", "1200 2.67 0.12"},
	{"{{ '<a href=\"x\">&' | e }} {{ '<' | escape | upper }}", "&lt;a href=&#34;x&#34;&gt;&amp; &LT;"},
	{"{{ 'a\\nb\\n\\nc' | indent }}", "a\n    b\n\n    c"},
	{"{{ 'a\\nb' | indent(2, true) }} {{ 'a\\n\\nb' | indent('>', blank=true) }}", "  a\n  b a\n>\n>b"},
	{"{{ 'a b/c&d?\xc3\xa9' | urlencode }}", "a%20b/c%26d%3F%C3%A9"},
	{"{{ s | wordcount }} {{ 'x' | string }} {{ 5 | string ~ 'a' }} {{ 'a' | safe }}", "2 x 5a a"},
	{"{{ 'foo bar baz qux' | truncate(9) }} {{ 'foo bar baz qux' | truncate(9, true) }} {{ 'foo bar baz' | truncate(9) }}",
	 "foo... foo ba... foo bar baz"},
	{"{{ '%s-%d' | format('a', 3) }} {{ '%-4s|%4s' | format('x', 'y') }}", "a-3 x   |   y"},
	{"{{ list | first }} {{ list | last }} [{{ empty | first }}] {{ s | first }} {{ list | reverse | list }} {{ 'abc' | reverse }}",
	 "3 2 [] H [2, 1, 3] cba"},
	{"{{ list | join }} {{ list | join(', ') }} {{ people | join('/', attribute='name') }}", "312 3, 1, 2 Bob/al/Cy"},
	{"{{ list | sort }} {{ list | sort(reverse=true) }} {{ words | sort }} {{ words | sort(case_sensitive=true) }}",
	 "[1, 2, 3] [3, 2, 1] ['A', 'a', 'b', 'c'] ['A', 'a', 'b', 'c']"},
	{"{{ people | sort(attribute='age') | map(attribute='name') | list }}", "['al', 'Bob', 'Cy']"},
	{"{{ people | sort(true, false, 'age') | map(attribute='name') | join(' ') }}", "Bob Cy al"},
	{"{{ words | unique | list }} {{ [1, 2, 1] | unique | list }} {{ ['a', 'A'] | unique(true) | list }}",
	 "['b', 'A', 'c'] [1, 2] ['a', 'A']"},
	{"{{ list | max }} {{ list | min }} {{ words | min }} {{ (people | max(attribute='age')).name }}[{{ [] | max }}]", "3 1 A Bob[]"},
	{"{{ list | sum }} {{ people | sum(attribute='age') }} {{ list | sum(start=10) }}", "6 85 16"},
	{"{{ words | map('upper') | list }} {{ people | map(attribute='no', default='-') | join }}", "['B', 'A', 'C', 'A'] ---"},
	{"{{ ['a1', 'b2'] | map('replace', '1', 'x') | join(',') }}", "ax,b2"},
	{"{{ list | select('odd') | list }} {{ list | reject('gt', 1) | list }} {{ [0, 1, ''] | select | list }}", "[3, 1] [1] [1]"},
	{"{{ people | selectattr('on') | map(attribute='name') | join(',') }} {{ people | selectattr('age', 'lt', 30) | list | length }}",
	 "Bob,Cy 1"},
	{"{{ people | rejectattr('on') | map(attribute='name') | join(',') }} {{ tags | select('in', ['mem:2GiB']) | list }}",
	 "al ['mem:2GiB']"},
	{"{% for k, v in d | items %}{{ k }}={{ v }} {% endfor %}{{ (d | dictsort)[0][0] }}", "x=1 y={'z': 'deep'} Key=[1, 2] Key"},
	{"{% for k, v in d | dictsort %}{{ k }} {% endfor %}{{ {'a': 2, 'b': 1} | dictsort(false, 'value') | map('first') | join }}",
	 "Key x y ba"},
	{"{% for row in [1, 2, 3] | batch(2, 0) %}{{ row }}{% endfor %}", "[1, 2][3, 0]"},
	{"{% for age, who in people | groupby('age') %}{{ age }}: {{ who | map(attribute='name') | join(',') }}; {% endfor %}",
	 "25: al; 30: Bob,Cy; "},
	{"{{ n | string | length }} {{ 1 + '2' | int }}", "1 3"},
	/* tests */
	{"{{ n is odd }} {{ n is even }} {{ n is divisibleby 7 }} {{ n is divisibleby(2) }}", "True False True False"},
	{"{{ s is string }} {{ n is number }} {{ n is integer }} {{ f is float }} {{ yes is boolean }} {{ d is mapping }} {{ list is "
	 "iterable }}",
	 "True True True True True True True"},
	{"{{ nothing is none }} {{ yes is true }} {{ 1 is true }} {{ no is not defined }} {{ s is not none }} {{ list is sequence }}",
	 "True True False True True True"},
	{"{{ 'a' is lower }} {{ 'A' is upper }} {{ 'Aa' is upper }} {{ 1 is eq 1 }} {{ 2 is gt 1 }} {{ 1 is in [1] }} {{ 2 is sameas 2 }}",
	 "True True False True True True True"},
	{"{{ 'upper' is filter }} {{ 'nope' is filter }}", "True False"},
	{"{% if n is defined and n is odd %}x{% endif %}", "x"},
	/* methods */
	{"{{ s.upper() }} {{ s.split() }} {{ csv.split(',') }} {{ csv.split(',', 1) }} {{ csv.rsplit(',', 1) }}",
	 "HELLO WORLD ['Hello', 'World'] ['a', 'b', '', 'c'] ['a', 'b,,c'] ['a,b,', 'c']"},
	{"{{ s.startswith('He') }} {{ s.endswith(('x', 'ld')) }} {{ s.replace('l', 'L', 2) }} {{ s.find('o') }} {{ s.rfind('o') }}",
	 "True True HeLLo World 4 7"},
	{"{{ s.find('zz') }} {{ s.rfind('zz') }} {{ s.count('l') }} {{ ', '.join(words) }} [{{ ' x '.strip() }}]",
	 "-1 -1 3 b, A, c, a [x]"},
	{"[{{ ' x '.lstrip() }}] [{{ 'xax'.rstrip('x') }}] {{ 'abc'.removeprefix('a') }} {{ 'abc'.removesuffix('c') }}", "[x ] [xa] bc ab"},
	{"{{ 'a=b=c'.partition('=') | list }} {{ 'a=b=c'.rpartition('=') | list }} {{ 'abc'.partition('-') | list }}",
	 "['a', '=', 'b=c'] ['a=b', '=', 'c'] ['abc', '', '']"},
	{"{{ 'a\\nb\\r\\nc'.splitlines() }} {{ '42'.isdigit() }} {{ 'ab'.isalpha() }} {{ 'a1'.isalnum() }} {{ ' '.isspace() }}",
	 "['a', 'b', 'c'] True True True True"},
	{"{{ 'ab'.islower() }} {{ 'AB'.isupper() }} [{{ 'a'.ljust(3) }}{{ 'a'.rjust(3) }}] {{ '7'.zfill(3) }}", "True True [a    a] 007"},
	{"{{ 'hello world'.title() }} {{ 'ab'.capitalize() }} {{ 'a  b'.split(' ') }} {{ ''.split() }} {{ ''.split(',') }}",
	 "Hello World Ab ['a', '', 'b'] [] ['']"},
	{"{{ d.get('x') }} {{ d.get('no') }} {{ d.get('no', 5) }} {{ d.keys() | list }} {{ d.values() | first }}",
	 "1 None 5 ['x', 'y', 'Key'] 1"},
	{"{{ list.index(1) }} {{ list.count(3) }}", "1 1"},
	{"{{ (s | upper).lower() }} {{ 'a-b'.split('-')[1] }} {{ s.split(' ')[-1][0:2] }}", "hello world b Wo"},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static char *render(const char *template, struct gw_error *err)
{
	struct value_pool pool;
	const struct value *names;
	char *out;

	value_pool_init(&pool, 0);
	names = value_from_json(&pool, names_json, err);
	assert_non_null(names);
	template_render("t", template, strlen(template), names, &out, err);
	value_pool_finish(&pool);
	return out;
}

static void templates_render_as_the_table_says(void **state)
{
	for (size_t i = 0; i < ROWS; i++) {
		struct gw_error err = {0};
		char *text = render(rows[i].template, &err);

		if (!text || strcmp(text, rows[i].text) != 0)
			fail_msg("template %s\nexpected %s\nseen     %s\n", rows[i].template, rows[i].text, text ? text : err.text);
		free(text);
	}
}

static void errors_say_the_line_and_what(void **state)
{
	static const struct {
		const char *template, *error;
	} bad[] = {
		{"a\n{{ n", "t:2: {{ is not closed; }} was expected"},
		{"{% if yes %}\n\n", "t:1: a tag is not closed; expected one of: elif else endif"},
		{"{{ n }}\n{% endif %}", "t:2: there is no tag 'endif', or it closes nothing here"},
		{"{% if yes", "t:1: {% is not closed; %} was expected"},
		{"{# never", "t:1: a comment {# is not closed; #} was expected"},
		{"{% raw %}", "t:1: raw is not closed; {% endraw %} was expected"},
		{"{{ 'a }}", "t:1: a string is not closed"},
		{"{{ }}", "t:1: found '}}'; expected: an expression"},
		{"{{ n n }}", "t:1: found 'n'; expected: }}"},
		{"{{ n @ n }}", "t:1: the character '@' is not known in an expression"},
		{"{{ 12a }}", "t:1: this is not a number, or too large a one"},
		{"{{ 99999999999999999999 }}", "t:1: this is not a number, or too large a one"},
		{"{{ [1, 2 }}", "t:1: {{ is not closed; }} was expected"},
		{"{{ (1, 2 }}", "t:1: {{ is not closed; }} was expected"},
		{"{% for in list %}{% endfor %}", "t:1: found 'list'; expected: 'in'"},
		{"{% for a) in list %}{% endfor %}", "t:1: found ')'; expected: 'in'"},
		{"{% for a, b in list %}{% endfor %}", "t:1: an integer cannot be walked through"},
		{"{% set a, b = [1] %}", "t:1: there are 1 values for more names"},
		{"{% set a, b = [1, 2, 3] %}", "t:1: there are 3 values for 2 names"},
		{"{% set d.x = 1 %}", "t:1: only attributes of namespace() can be set"},
		{"{{ n | nope }}", "t:1: there is no filter 'nope'"},
		{"{{ n is nope }}", "t:1: there is no test 'nope'"},
		{"{{ n | replace }}", "t:1: the filter 'replace' takes 2 to 3 arguments, not 0"},
		{"{{ nope() }}", "t:1: 'nope' is not defined, so it cannot be called"},
		{"{{ s.nope() }}", "t:1: a string has no method 'nope'"},
		{"{{ n() }}", "t:1: 'n' is not a function"},
		{"{{ no + 1 }}", "t:1: '+' does not work with undefined and an integer"},
		{"{{ 1 ~ 2 + 3 }}", "t:1: '+' does not work with a string and an integer"},
		{"\n\n{{ 1 / 0 }}", "t:3: division by zero"},
		{"{{ 2 ** 64 }}", "t:1: the result is too large a number"},
		{"{{ -9223372036854775807 - 2 }}", "t:1: the result is too large a number"},
		{"{{ 1 < 'a' }}", "t:1: an integer and a string have no order"},
		{"{{ {[]: 1} }}", "t:1: a list cannot be the key of a mapping"},
		{"{{ no | tojson }}", "t:1: tojson does not work with an undefined name"},
		{"{{ '%d' % 'a' }}", "t:1: format: %d does not work with a string"},
		{"{{ '%400d' % 1 }}", "t:1: format: this width is too large"},
		{"{% include 'x' %}", "t:1: {% include %} is not supported"},
		{"{% macro x() %}{% endmacro %}", "t:1: {% macro %} is not supported"},
		{"{% for i in list recursive %}{% endfor %}", "t:1: found 'recursive'; expected: %} (recursive loops are not supported)"},
		{"{{ range(*list) }}", "t:1: found '*'; expected: an argument (* and ** are not supported)"},
		{"{{ range(1000000) }}", "t:1: range() of more than 100000 numbers"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct gw_error err = {0};
		char *text = render(bad[i].template, &err);

		if (text || strcmp(err.text, bad[i].error) != 0)
			fail_msg("template %s\nexpected %s\nseen     %s\n", bad[i].template, bad[i].error, text ? text : err.text);
	}
}

/* Ways out of Jinja2's sandbox that were found over the years, and their like. None finds anything here. */
static void promise_29_known_escapes_render_empty_or_fail(void **state)
{
	static const char *const escapes[] = {
		"{{ ''.__class__ }}",
		"{{ ''['__class__'] }}",
		"{{ '' | attr('__class__') }}",
		"{{ [].__class__.__base__.__subclasses__ }}",
		"{{ ''.__class__.__mro__[1].__subclasses__() }}",
		"{{ (1).__class__.__bases__ }}",
		"{{ self.__init__ }}{{ self }}{{ config }}{{ request.application.__globals__ }}",
		"{{ cycler.__init__.__globals__.os.popen('id').read() }}",
		"{{ joiner.__init__.__globals__ }}{{ lipsum.__globals__ }}",
		"{{ namespace.__init__.__globals__ }}{{ range.__class__ }}",
		"{{ loop.__class__ }}{% for i in list %}{{ loop.__class__ }}{{ loop['__init__'] }}{{ loop | attr('__globals__') }}{% "
		"endfor %}",
		"{{ '%s'.__mod__ }}{{ '{0.__class__}'.format(1) }}",
		"{{ '{0.__class__.__init__.__globals__}'.format_map(d) }}",
		"{{ ''['__cl' ~ 'ass__']['__m' ~ 'ro__'] }}",
		"{{ ''['\\x5f\\x5fclass\\x5f\\x5f'] }}",
		"{{ [''] | map(attribute='__class__') | join }}{{ [''] | map('attr', '__class__') | join }}",
		"{{ d.__class__ }}{{ d['__class__'] }}{{ d.items.__self__ }}{{ d.get.__globals__ }}",
		"{% set x = ''.__class__ %}{{ x }}{{ x.__mro__ }}",
		"{% with a = [] %}{{ a.append.__self__ }}{% endwith %}",
		"{{ environ }}{{ environ.PATH }}{{ os }}{{ __import__ }}{{ __builtins__ }}{{ globals }}{{ env }}",
		"{{ (lambda: 1) }}",
		"{{ __import__('os').system('id') }}",
		"{{ open('/etc/passwd').read() }}",
		"{{ url_for.__globals__ }}{{ get_flashed_messages.__globals__ }}",
		"{% import 'os' as os %}",
		"{% from 'os' import system %}",
		"{% extends '/etc/passwd' %}",
		"{{ caller() }}{{ super() }}{{ varargs }}",
	};

	for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
		struct gw_error err = {0};
		char *text = render(escapes[i], &err);

		if (text && *text)
			fail_msg("%s rendered '%s'", escapes[i], text);
		assert_true(text || err.kind == GW_BAD_INPUT);
		free(text);
	}
}

static char *repeated(const char *before, const char *piece, size_t times, const char *after)
{
	size_t n = strlen(piece);
	char *text = gw_calloc(strlen(before) + n * times + strlen(after) + 1, 1), *at = stpcpy(text, before);

	for (size_t i = 0; i < times; i++)
		at = stpcpy(at, piece);
	strcpy(at, after);
	return text;
}

#define MUCH_WORK   "t:1: the template takes too much work; accepted: 1000000 steps"
#define MUCH_MEMORY "t:1: the template needs too much memory or nests values too deeply; accepted: 64 MiB, 64 levels"
#define MUCH_TEXT   "t:1: the text grows too large; accepted: 1048576 bytes"

static void promise_29_bombs_end_with_an_error(void **state)
{
	static const struct {
		const char *before, *piece;
		size_t times;
		const char *after, *error;
	} bombs[] = {
		{"{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", "", 0, "", MUCH_WORK},
		{"{{ 'a' * 10000000 }}", "", 0, "", MUCH_WORK},
		{"{{ ('aaaaaaaaaaaaaaaaaaaaaaaaa' * 40000) * 3 }}", "", 0, "", MUCH_TEXT},
		{"{% set ns = namespace(x='aaaaaaaaaaaaaaaa') %}{% for i in range(100) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}", "", 0,
		 "", MUCH_TEXT},
		{"{% set ns = namespace(x=[0]) %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}{% endfor %}", "", 0, "", MUCH_WORK},
		{"{% set ns = namespace(x=[0]) %}{% for i in range(100) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}", "", 0, "",
		 MUCH_MEMORY},
		/* 2^50 leaves of 50 lists: what walks them must pay for each */
		{"{% set ns = namespace(x=[0]) %}{% for i in range(50) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}", "", 0, "",
		 MUCH_WORK},
		{"{% set ns = namespace(x=[0], y=[0]) %}{% for i in range(50) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}"
		 "{% endfor %}{{ ns.x == ns.y }}",
		 "", 0, "", MUCH_WORK},
		{"{% set ns = namespace(x=[0], y=[0]) %}{% for i in range(50) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}"
		 "{% endfor %}{{ ns.x < ns.y }}",
		 "", 0, "", MUCH_WORK},
		{"{% set ns = namespace(x=[0]) %}{% for i in range(50) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | tojson }}", "",
		 0, "", MUCH_WORK},
		{"{{ '%99999d' % 1 }}", "", 0, "", "t:1: format: this width is too large"},
		{"{{ 'a'.ljust(999999999) }}", "", 0, "", MUCH_TEXT},
		{"{{ ('aaaaaaaaaaaaaaaaaaaaaaaaa' * 40000).rfind('aaaaaaaaaaaaaaaaaaaaaaaaa' * 20000 ~ 'b') }}", "", 0, "", MUCH_WORK},
		{"{% set a = 'aaaaaaaaaaaaaaaaaaaaaaaaa' * 40000 %}{% for i in range(100000) %}{{ 'b' in a }}{% endfor %}", "", 0, "",
		 MUCH_WORK},
		{"{{ ", "[", 100,
		 "1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]] }}",
		 "t:1: nested too deeply; accepted: 64 levels"},
		{"{{ ", "(", 100,
		 "1)))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))) }}",
		 "t:1: nested too deeply; accepted: 64 levels"},
		{"{{ ", "(", 100000, "1 }}", "t:1: {{ is not closed; }} was expected"},
		{"{{ ", "not ", 100000, "1 }}", "t:1: nested too deeply; accepted: 64 levels"},
		{"{{ ", "-", 100000, "1 }}", "t:1: nested too deeply; accepted: 64 levels"},
		{"{{ n", ".a", 100000, " }}", "t:1: the expression is too long; accepted: 500 operators in a row"},
		{"{{ n", " + 1", 100000, " }}", "t:1: the expression is too long; accepted: 500 operators in a row"},
		{"{{ n", "|string", 100000, " }}", "t:1: the expression is too long; accepted: 500 operators in a row"},
		{"{{ 1", " if 1 else 1", 80000, " }}", "t:1: nested too deeply; accepted: 64 levels"},
		{"", "{% if 1 %}", 100000, "", "t:1: nested too deeply; accepted: 64 levels"},
		{"", "{% for i in [1] %}", 100, "", "t:1: nested too deeply; accepted: 64 levels"},
		{"", "{% filter upper %}", 100, "", "t:1: nested too deeply; accepted: 64 levels"},
		{"{% set a = 'aaaaaaaaaaaaaaaaaaaaaaaaa' * 40000 %}", "{% set b %}{{ a }}", 50, "",
		 NULL}, /* captures in each other: not closed */
		{"", "a", 2000000, "", "t:1: the template has 2000000 bytes; accepted: 1048576"},
	};

	for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
		char *template = repeated(bombs[i].before, bombs[i].piece, bombs[i].times, bombs[i].after);
		struct gw_error err = {0};
		char *text = render(template, &err);

		if (text || (bombs[i].error && strcmp(err.text, bombs[i].error) != 0))
			fail_msg("template %.200s\nexpected %s\nseen     %s\n", template, bombs[i].error, text ? "text" : err.text);
		free(template);
	}
}

/* Texts that are being made count as memory: 60 captures of 1 MB in each other are more than there is. */
static void captures_in_each_other_share_the_memory(void **state)
{
	char *inner = repeated("{% set a = 'aaaaaaaaaaaaaaaaaaaaaaaaa' * 40000 %}", "{% filter string %}{{ a }}", 50, "");
	char *template = repeated(inner, "{% endfilter %}", 50, "");
	struct gw_error err = {0};

	assert_null(render(template, &err));
	assert_string_equal(err.text, MUCH_MEMORY);
	free(template);
	free(inner);
}

/* Each name that is set makes those after it dearer, but not by much. */
static void many_names_cost_steps_not_time(void **state)
{
	char *template = gw_calloc(1, 1 << 20), *at = template;
	struct gw_error err = {0};

	for (int i = 0; i < 40000; i++)
		at += sprintf(at, "{%%set a%d=1%%}", i);
	assert_null(render(template, &err));
	assert_string_equal(err.text, MUCH_WORK);
	free(template);
}

static const struct value *shout(struct value_pool *pool, void *data, const struct value *const *args, size_t n, struct gw_error *err)
{
	char *text;
	const struct value *v;

	if (n != 1 || !value_text(args[0], NULL)) {
		gw_fail(err, GW_BAD_INPUT, "takes one string");
		return NULL;
	}
	text = gw_sprintf("%s%s", value_text(args[0], NULL), (const char *)data);
	v = value_string(pool, text);
	free(text);
	return v;
}

static void templates_call_functions_of_ours(void **state)
{
	char mark[] = "!";
	struct value_pool pool;
	struct value *names, *job;
	struct gw_error err = {0};
	char *text;

	value_pool_init(&pool, 0);
	names = value_dict(&pool);
	job = value_dict(&pool);
	value_set(&pool, job, "shout", value_callable(&pool, shout, mark));
	value_set(&pool, names, "job", job);
	assert_true(template_render("t", "{{ job.shout('hi') }}{{ job.shout }}", 36, names, &text, &err));
	assert_string_equal(text, "hi!<function>");
	free(text);
	assert_false(template_render("t", "{{ job.shout(1) }}", 18, names, &text, &err));
	assert_string_equal(err.text, "t:1: shout(): takes one string");
	assert_false(template_render("t", "{{ job.shout(a=1) }}", 20, names, &text, &err));
	assert_string_equal(err.text, "t:1: shout() takes no argument with a name ('a')");
	value_pool_finish(&pool);
}

static void the_first_line_of_a_jinja2_file_is_removed_but_counted(void **state)
{
	struct gw_error err = {0};
	char *text = render("#!jinja2\na{{ n }}\n", &err);

	assert_string_equal(text, "a7");
	free(text);
	text = render("#!jinja2x\n", &err);
	assert_string_equal(text, "#!jinja2x");
	free(text);
	assert_null(render("#!jinja2\n{{ 1 / 0 }}", &err));
	assert_string_equal(err.text, "t:2: division by zero");
}

static void hex(FILE *out, const char *text, char end)
{
	for (; *text; text++)
		fprintf(out, "%02x", (unsigned char)*text);
	fputc(end, out);
}

static void the_table_is_true_of_jinja2(void **state)
{
	FILE *python;

	if (system("python3 -c 'import jinja2' 2>/dev/null") != 0) {
		print_message("python3 has no jinja2\n");
		skip();
	}
	python = popen("python3 -c '\n"
		       "import jinja2, json, sys\n"
		       "environment = jinja2.Environment(undefined=jinja2.ChainableUndefined)\n"
		       "names = json.loads(bytes.fromhex(sys.stdin.readline()))\n"
		       "bad = 0\n"
		       "for line in sys.stdin:\n"
		       " template, text = [bytes.fromhex(x).decode() for x in line.rstrip(chr(10)).split(\";\")]\n"
		       " try: seen = environment.from_string(template).render(names)\n"
		       " except Exception as e: seen = repr(e)\n"
		       " if seen != text: bad = print(\"template\", template, \"\\nexpected\", text, \"\\njinja2  \", seen) or 1\n"
		       "sys.exit(bad)'",
		       "w");
	assert_non_null(python);
	hex(python, names_json, '\n');
	for (size_t i = 0; i < ROWS; i++) {
		hex(python, rows[i].template, ';');
		hex(python, rows[i].text, '\n');
	}
	assert_int_equal(pclose(python), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(templates_render_as_the_table_says),
		cmocka_unit_test(the_table_is_true_of_jinja2),
		cmocka_unit_test(errors_say_the_line_and_what),
		cmocka_unit_test(promise_29_known_escapes_render_empty_or_fail),
		cmocka_unit_test(promise_29_bombs_end_with_an_error),
		cmocka_unit_test(captures_in_each_other_share_the_memory),
		cmocka_unit_test(many_names_cost_steps_not_time),
		cmocka_unit_test(templates_call_functions_of_ours),
		cmocka_unit_test(the_first_line_of_a_jinja2_file_is_removed_but_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
