"""The names of the months, in full and as they are cut, in the languages of plants (after Unicode CLDR)."""

from __future__ import annotations

UNCLEAR = -1
"""Of a name that is one month in one language and another in the next."""
_NAMES = (
    """jan january januar janvier enero ene gennaio gen janv jän jänner januari janeiro styczeń stycznia sty leden ledna
    led ianuarie ian január ocak oca tammi янв январь января""",
    """feb february februar fév févr février febrero febbraio februari fevereiro fev luty lutego lut únor února úno
    februarie február febr şubat şub helmi фев февр февраль февраля""",
    """mar march mär mrz märz mars marzo maart mrt março marzec marca březen března bře martie marec március márc mart
    maalis мар март марта""",
    """apr april avr abr avril abril aprile kwiecień kwietnia kwi duben dubna dub aprilie apríl április ápr nisan nis
    huhti апр апрель апреля""",
    """may mai mag mei mayo maggio maio maj maja květen května kvě máj május mayıs touko май мая""",
    """jun june juin giu juni junio giugno junho czerwiec czerwca cze červen června čvn iunie iun jún június haziran haz
    kesä июн июнь июня""",
    """jul july juil lug juli juillet julio luglio julho lipiec lipca července čvc iulie iul júl július temmuz tem heinä
    июл июль июля""",
    """aug august aoû août ago agosto augustus augusti sierpień sierpnia sie srpen srpna augusztus ağustos ağu elo avg
    авг август августа""",
    """sep september set sept septembre septiembre settembre setembro wrzesień września wrz září zář septembrie szept
    szeptember eylül eyl syys сен сент сентябрь сентября""",
    """oct october okt ott oktober octobre octubre ottobre out outubro październik października paź říjen října říj
    octombrie október ekim eki loka окт октябрь октября""",
    """nov november novembre noviembre novembro listopadu noiembrie noi kasım kas marras ноя нояб ноябрь ноября""",
    """dec december dez déc dic des dezember décembre diciembre dicembre dezembro grudzień grudnia gru prosinec prosince
    pro decembrie aralık ara joulu дек декабрь декабря""",
)
_UNCLEAR = "lip srp lis listopad listopada"
"""June or July, July or August, October or November: in Croatian the former, in Polish and Czech the latter."""
_MONTH = {name.casefold(): number for number, names in enumerate(_NAMES, 1) for name in names.split()}
_MONTH |= dict.fromkeys(_UNCLEAR.split(), UNCLEAR)


def month_number(name: str) -> int:
    """The month of a name, from 1; 0 where it is none."""
    return _MONTH.get(name.casefold().rstrip("."), 0)
