"""First names that are common in some twenty languages, by which a column of people's names is known."""


def split_words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


FIRST_NAMES = split_words(
    """
    aaron abdul abdullah abigail adam adele adrian adriana agnes ahmad ahmed aiko aino aisha akira alan albert alberto
    alejandra alejandro alessandra alessandro alex alexander alexandra alexandre alexei alexis alfred alfredo ali alice
    alicia alina aline alison allison alma alvaro amalia amanda amara amelia amelie amina amir amit amy ana anaïs ananya
    anastasia andre andrea andreas andrei andres andrew andrzej angela angelica angelika anika anil anita anja ann anna
    annabelle anne annette annika anthony antoine anton antonia antonio april arash archie arjun arne arthur arturo
    arun asa asha ashley astrid audrey august aurelie ava axel ayesha ayse aziz barbara bartosz beate beatrice beatriz
    ben benedikt benjamin benoit bernard bernd bernhard bertha beth betty bianca bill birgit bjorn björn blanca bo bob
    boris brandon brenda brian bridget bruno camila camilla camille carl carla carlos carmen carol carolina caroline
    caspar catalina catherine cecilia celine cem charles charlie charlotte chen chiara chidi chinedu chiara chloe chloé
    chris christa christian christiane christina christine christoph christophe christopher claire clara claudia
    claudio clemens connor conor cristian cristina cynthia daan daisuke daisy damian dan dana daniel daniela daniele
    danielle dariusz darya david dawn dean deborah denis denise dennis derek deniz diana diane diego dieter dietmar
    dimitri dirk dmitri dmitry dominic dominik dominique don donald donna dora doris dorothy doug douglas duncan dylan
    eberhard ed eddie edgar edith edmund eduardo edward egon eileen elaine eleanor elena eleni elif elisa elisabeth
    elise elizabeth ella ellen elliot elsa elvira emil emile émile emilia emilio emily emine emma emmanuel enrico
    enrique eric erica erich erik erika erin ernesto ernst erwin esteban esther ethan eugene eva evelyn ewa fabian
    fabio fatima fatma federica federico felicia felicity felipe felix fernanda fernando finn fiona florence florian
    frances francesca francesco francisco franck francois françois frank franz franziska fred frederic frédéric
    frederik frida friedrich fritz gabriel gabriela gabriele gareth gary gavin genevieve geoffrey georg george georges
    gerald gerard gerd gerhard gianni gilbert giorgio giovanna giovanni giulia giuseppe gisela gloria gonzalo gordon
    grace graham greg gregory greta grzegorz guido guillaume gunnar gustav gustavo guy günter günther hae-won hakan
    hamza hana hanna hannah hannes hans harald hardik harold harriet harry haruto hassan hazel heather hector heidi
    heike heinrich heinz helen helena helene helga helmut hendrik hennie henri henrik henry herbert hermann hilda
    hiroshi holger hugo huda ian ibrahim ida ignacio igor ilse imran ines inga inge ingo ingrid irene irina iris isaac
    isabel isabella isabelle ismail ivan ivana ivo jack jackson jacob jacqueline jacques jake jakob jakub james jamie
    jan jana jane janet janice janine jasmin jasmine jason javier jay jean jeanne jeff jeffrey jennifer jenny jens
    jeremy jerome jerry jesper jessica jesus jill jim jimmy jin joachim joan joanna joao joão joe joel johan johann
    johanna johannes john johnny jolanta jon jonas jonathan jordan jorge josé jose josef josefine joseph josephine
    joshua joyce juan juana judith judy juha juho jule julia julian juliana julie julien juliette julio julius jun
    jürgen jurgen jörg justin jyoti kai kamil karen karim karin karina karl karla karolina kate katarina katarzyna
    katharina katherine kathleen kathrin kathy katja katrin kay kayla keiko keith kelly kemal ken kenji kenneth kenta
    kerstin kevin khadija khalid kim kimberly kiran kirsten klara klaus konrad konstantin krishna kristen kristin
    kristina krzysztof kumar kurt kwame kyle lara lars laura lauren laurence laurent lea léa leah lee leif leila lena
    leo leon leonard leonardo leonie leroy leslie leticia levi liam lidia lili lilian lily lina linda lindsay linnea
    lisa liu liv lorenzo lothar louis louisa louise luc luca lucas lucia lúcia luciana lucie lucy ludwig luigi luis
    luisa lukas lukasz luke luz lydia lynn mabel maciej madeleine madison magdalena mahmoud maja malcolm malik manfred
    manon manuel manuela marc marcel marcela marcelo marcin marco marcos marcus margaret margarita margot maria marta
    mariam mariana marianne marie marina mario marion marius mark marko markus marlene martha martin martina martine
    mary maryam massimo mateo mateusz mathias mathieu mathilde matilda matt matteo matthew matthias matthieu maud
    maureen maurice mauricio max maxim maximilian maxime maya megan mehmet mei meike melanie melissa mia michael
    michal michel michela michele michelle miguel mihai mikael mike mikhail mila milan milena miles milica min mira
    miriam miroslav mohamed mohammad mohammed moira molly monica monika monique moritz muhammad murat mustafa nadia
    nadine nancy naomi natalia natalie natasha nathalie nathan neha neil nele nelson niall nicholas nick nicola
    nicolas nicole niels nikhil nikita niklas nikolai nikos nils nina nisha noah noel noemi nora norbert norma norman
    nuno nuria odette olaf ole oleg olga olive oliver olivia olivier olof omar orla oscar oskar otto pablo paola paolo
    pascal pat patricia patrick patrik paul paula pauline paulo pavel pawel pedro peggy penelope per peter petra petr
    phil philip philipp philippe phoebe pia pierre pietro pilar piotr pooja priya quentin rachel radek rafael rahul
    raimund rainer raj rajesh ralf ralph ramon ramona randy raphael raquel rasmus raul ravi ray raymond rebecca
    reinhard renata renate rené rene ricardo riccardo richard rick riku rita rob robert roberta roberto robin rocio
    rodrigo roger rohit roland rolf roman romain ron ronald rosa rosario rose rosemary ross roxana roy rubén ruben
    rudolf rupert russell ruth ryan sabine sabrina said salma sally salvatore sam samantha samira samuel sandra sanjay
    santiago saori sara sarah sascha satoshi scott sean sebastian selim selma sergei sergey sergio seth shannon sharon
    sheila shirley shreya sigrid silke silvia simon simona simone sina siobhan sofia sofie sonia sonja sophia sophie
    soren stacy stanislav stefan stefania stefanie stella stephan stephane stephanie stephen steve steven stuart sue
    sunil suresh susan susana susanne suzanne sven svetlana sylvia sylvie takashi takeshi tamara tania tanja tara
    tariq tatiana ted teresa terry theo theodor theresa thea thiago thomas tiago tiffany tilda till tim timo timothy
    tina tobias todd tom tomas tomasz tommaso tommy toni tony tove tracy travis trevor tristan tyler udo ulla ulrich
    ulrike umar ursula usha ute uwe valentin valentina valeria valerie vanessa vera verena veronica veronika victor
    victoria vijay viktor viktoria vincent vincenzo viola violet virginia vivian vivien vladimir volker walter waltraud
    wanda wayne wei wendy werner wiebke wilhelm will willem william winston wolfgang wojciech xavier ximena yan yang
    yannick yara yasmin ying yolanda yuki yuri yusuf yvonne yves zach zachary zara zeynep zhang zoe zoé zofia zuzana
    """
)
