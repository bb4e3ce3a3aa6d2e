"""A catalog to play with: titles and years, the same each time."""

from __future__ import annotations

_CLASSICS = """
An American in Paris 1951|Ben-Hur 1959|Platoon 1986|Braveheart 1995|Apocalypse Now 1979|Casablanca 1942
Metropolis 1927|City Lights 1931|The General 1926|Nosferatu 1922|Rashomon 1950|Ikiru 1952|Seven Samurai 1954
Tokyo Story 1953|The Third Man 1949|Vertigo 1958|Rear Window 1954|Psycho 1960|The Birds 1963|Notorious 1946
Some Like It Hot 1959|The Apartment 1960|Sunset Boulevard 1950|Double Indemnity 1944|Stalag 17 1953
Citizen Kane 1941|Touch of Evil 1958|The Trial 1962|M 1931|Fury 1936|The Big Heat 1953|Laura 1944
Singin' in the Rain 1952|On the Town 1949|West Side Story 1961|The Sound of Music 1965|Cabaret 1972
Chinatown 1974|The Conversation 1974|Taxi Driver 1976|Raging Bull 1980|Mean Streets 1973|Network 1976
Dog Day Afternoon 1975|Serpico 1973|12 Angry Men 1957|The Verdict 1982|Nashville 1975|Gosford Park 2001
The Long Goodbye 1973|Alien 1979|Blade Runner 1982|Brazil 1985|Time Bandits 1981|12 Monkeys 1995
Stalker 1979|Solaris 1972|Andrei Rublev 1966|Ivan's Childhood 1962|La Strada 1954|8½ 1963|La Dolce Vita 1960
Amarcord 1973|Bicycle Thieves 1948|Umberto D. 1952|Rome, Open City 1945|The Leopard 1963|Blow-Up 1966
L'Avventura 1960|Breathless 1960|Band of Outsiders 1964|The 400 Blows 1959|Jules and Jim 1962|Amélie 2001
Cléo from 5 to 7 1962|The Umbrellas of Cherbourg 1964|Playtime 1967|Mon Oncle 1958|Le Samouraï 1967
Army of Shadows 1969|Pickpocket 1959|A Man Escaped 1956|The Rules of the Game 1939|Grand Illusion 1937
The Seventh Seal 1957|Wild Strawberries 1957|Persona 1966|Fanny and Alexander 1982|Babette's Feast 1987
Paris, Texas 1984|Wings of Desire 1987|Aguirre, the Wrath of God 1972|Fitzcarraldo 1982|Das Boot 1981
Good Bye, Lenin! 2003|The Lives of Others 2006|Run Lola Run 1998|The Tin Drum 1979|Downfall 2004
In the Mood for Love 2000|Chungking Express 1994|Yi Yi 2000|Farewell My Concubine 1993|Hero 2002
Spirited Away 2001|My Neighbor Totoro 1988|Princess Mononoke 1997|Akira 1988|Ran 1985|Kagemusha 1980
Fargo 1996|The Big Lebowski 1998|Miller's Crossing 1990|Barton Fink 1991|Heat 1995|The Insider 1999
Goodfellas 1990|Casino 1995|The Age of Innocence 1993|Pulp Fiction 1994|Jackie Brown 1997|Se7en 1995
Fight Club 1999|Zodiac 2007|Memento 2000|Insomnia 2002|The Prestige 2006|Children of Men 2006|Gravity 2013
Pan's Labyrinth 2006|The Devil's Backbone 2001|Talk to Her 2002|Volver 2006|All About My Mother 1999
City of God 2002|Central Station 1998|Amores Perros 2000|Roma 2018|The Secret in Their Eyes 2009
""".replace("\n", "|")

_FIRST = (
    *("Silent", "Golden", "Last", "Hidden", "Winter", "Second"),
    *("Crimson", "Distant", "Paper", "Electric", "Broken", "Velvet"),
)
_SECOND = (
    *("River", "Harbour", "Summer", "Letter", "Station", "Garden"),
    *("Mirror", "Voyage", "Witness", "Orchard", "Signal", "Tide"),
)


def list_films(count: int) -> list[tuple[str, int]]:
    """The first `count` titles of the catalog, with years."""
    named = [piece.strip().rpartition(" ") for piece in _CLASSICS.split("|") if piece.strip()]
    films = [(title, int(year)) for title, _, year in named]
    return [*films[:count], *(invent_film(number) for number in range(count - len(films)))]


def invent_film(number: int) -> tuple[str, int]:
    """The title that has a number among those that never were, with its year."""
    first, second = _FIRST[number % 12], _SECOND[number // 12 % 12]
    part = number // 144
    return f"{first} {second}" + (f" {part + 1}" if part else ""), 1930 + number * 7 % 90
